/**
 * The hand-written half of the SDK: sends an operation, sends it again where that is safe, and says in types what came
 * back. It needs `fetch` and nothing else, so it runs in Node, in browsers and at the edge.
 */

/** A detail of a refusal, e.g. which plan would allow it. */
export interface RefusalFact {
  readonly name: string;
  readonly value: string;
}

/**
 * The operation was not carried out, and nothing was changed: an answer, not an error. `Code` is what this operation may
 * answer. A newer gateway may have codes that this SDK does not know yet: show such a refusal's `message`.
 */
export interface Refused<Code extends string = string> {
  readonly __typename: 'Refused';
  /** For programs. */
  readonly code: Code;
  /** For people: one sentence. */
  readonly message: string;
  /** The same call may succeed later without a change. The client has tried that already. */
  readonly retryable: boolean;
  /** Which part of the arguments is meant. */
  readonly path: readonly string[] | null;
  /** What a client needs to act on it. */
  readonly facts: readonly RefusalFact[];
  /** Where the code is explained. */
  readonly docs: string;
}

/** A named operation; the generated functions send these. `document` can be given to any other client, too. */
export interface Operation<Result, Variables> {
  readonly name: string;
  readonly kind: 'query' | 'mutation';
  /** The one field of the answer that is the result; without it the result is the whole answer. */
  readonly root?: string;
  /** It takes an idempotency key. */
  readonly keyed?: true;
  readonly document: string;
  /** Only for the compiler. */
  readonly types?: (variables: Variables) => Result;
}

/** The closed list of `extensions.code` in GraphQL `errors`. */
export const errorCodes = [
  'ACCOUNT_REQUIRED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'INTERNAL_SERVER_ERROR',
  'OPERATION_RESOLUTION_FAILURE',
  'QUERY_TOO_COMPLEX',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'UNAUTHENTICATED',
] as const;

/** What the gateway says of an error, or what kept it from saying anything. */
export type GatewayErrorCode = (typeof errorCodes)[number] | 'BAD_RESPONSE' | 'NETWORK_ERROR' | 'TIMEOUT';

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly requestId?: string; readonly retryAfterSeconds?: number };
}

interface GatewayErrorDetails {
  readonly operation: string;
  readonly status?: number | undefined;
  readonly errors?: readonly GraphqlError[] | undefined;
  readonly data?: unknown;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** There is no whole answer: an outage, a bug, a malformed request or a credential that does not hold. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly operation: string;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly errors: readonly GraphqlError[];
  /** What was answered beside the errors, if anything. */
  readonly data: unknown;
  /** Give it when you ask about the error. */
  readonly requestId: string | undefined;
  /** When to try again, where the gateway says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: GatewayErrorCode,
    message: string,
    details: GatewayErrorDetails,
  ) {
    super(`${details.operation}: ${message}`, { cause: details.cause });
    this.operation = details.operation;
    this.status = details.status;
    this.errors = details.errors ?? [];
    this.data = details.data;
    this.requestId = details.requestId;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** What `unwrap` throws: the refusal, with the codes that the operation may answer. */
export class RefusedError<Code extends string = string> extends Error {
  override readonly name = 'RefusedError';

  constructor(readonly refused: Refused<Code>) {
    super(`${refused.code}: ${refused.message}`);
  }

  get code(): Code {
    return this.refused.code;
  }
}

type Answer = { readonly __typename: string };
type RefusedOf<Result> = Extract<Result, { readonly __typename: 'Refused' }>;
type DoneOf<Result> = Exclude<Result, { readonly __typename: 'Refused' }>;

export function isRefused<Result extends Answer>(result: Result): result is RefusedOf<Result> {
  return result.__typename === 'Refused';
}

/** What was done, or a `RefusedError`: for callers that treat every refusal the same. */
export function unwrap<Result extends Answer>(result: Result): DoneOf<Result> {
  if (isRefused(result)) throw new RefusedError(result as unknown as Refused);
  return result as DoneOf<Result>;
}

/** The value of one fact, e.g. `factOf(refused, 'availableFrom')`. */
export function factOf(refused: Refused, name: string): string | undefined {
  return refused.facts.find((fact) => fact.name === name)?.value;
}

type Credential = string | (() => string | Promise<string>);

interface CommonOptions {
  /** The gateway, or its `/graphql` itself. */
  readonly url: string;
  /** The partner's or tenant's id to act as, for people who belong to several. */
  readonly account?: string;
  /** Instead of the global one: for tests, proxies, other runtimes. */
  readonly fetch?: typeof globalThis.fetch;
  /** How often a call is sent again; default 3, 0: never. */
  readonly retries?: number;
  /** For each attempt; default 30 seconds. */
  readonly timeoutMs?: number;
  /** The wait before the first retry; doubles with each, with jitter. Default 200 ms. */
  readonly firstWaitMs?: number;
  /** The longest wait. Where the gateway asks for a longer one, the call ends at once. Default 20 seconds. */
  readonly longestWaitMs?: number;
}

/** A person's token or a machine's key, never both; a function is asked before each attempt, for tokens that expire. */
export type ClientOptions = CommonOptions &
  ({ readonly token: Credential; readonly apiKey?: never } | { readonly apiKey: Credential; readonly token?: never });

export interface CallOptions {
  /** Ends the call and its retries. */
  readonly signal?: AbortSignal;
  /** Another account than the client's, for this call. */
  readonly account?: string;
}

export interface Client {
  run<Result, Variables extends object>(
    operation: Operation<Result, Variables>,
    variables: Variables,
    options?: CallOptions,
  ): Promise<Result>;
}

/** One HTTP answer. */
interface RawAnswer {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Nothing where the body is not an answer of the gateway, e.g. a proxy's error page. */
  readonly body: { readonly data?: unknown; readonly errors?: readonly GraphqlError[] } | undefined;
}

/** What came of one attempt: an answer, or an error; and whether another one may help. */
type Outcome =
  | { readonly ok: true; readonly data: Record<string, unknown>; readonly refused: Refused | undefined }
  | { readonly ok: false; readonly error: GatewayError; readonly passing: boolean };

function endpointOf(url: string): string {
  const parsed = new URL(url);
  if (parsed.pathname === '/') parsed.pathname = '/graphql';
  return parsed.toString();
}

/** `randomUUID` exists only on pages that browsers call secure; random bytes exist everywhere. */
export function newIdempotencyKey(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function wholeSeconds(text: string | null | undefined): number | undefined {
  return text && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Ends early, with the signal's own reason, when the caller gives up. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', giveUp);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

async function readBody(response: { text(): Promise<string> }): Promise<RawAnswer['body']> {
  try {
    const body: unknown = JSON.parse(await response.text());
    const isAnswer = typeof body === 'object' && body !== null && ('data' in body || 'errors' in body);
    return isAnswer ? (body as RawAnswer['body']) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function codeOf(error: GraphqlError | undefined): GatewayErrorCode {
  return errorCodes.find((code) => code === error?.extensions?.code) ?? 'BAD_RESPONSE';
}

function outcomeOf(operation: Operation<unknown, never>, response: RawAnswer): Outcome {
  const { status, body, requestId, retryAfterSeconds } = response;
  const common = { operation: operation.name, status, requestId, retryAfterSeconds };
  const errors = body?.errors ?? [];
  if (errors.length === 0 && body?.data && typeof body.data === 'object') {
    const data = body.data as Record<string, unknown>;
    const result = operation.root === undefined ? undefined : (data[operation.root] as Answer | null);
    return { ok: true, data, refused: result?.__typename === 'Refused' ? (result as Refused) : undefined };
  }
  if (errors.length === 0) {
    const message = `the answer is not one of a gateway (HTTP ${status}).`;
    const error = new GatewayError('BAD_RESPONSE', message, common);
    return { ok: false, error, passing: status >= 500 || status === 429 };
  }
  const codes = errors.map(codeOf);
  // One field that failed for a moment is reason enough, wherever it stands in the list.
  const passing = codes.find((code) => code === 'SERVICE_UNAVAILABLE' || code === 'RATE_LIMITED');
  const error = new GatewayError(passing ?? codes[0]!, errors[0]!.message, {
    ...common,
    errors,
    data: body?.data,
    requestId: requestId ?? errors[0]!.extensions?.requestId,
    retryAfterSeconds: retryAfterSeconds ?? errors[0]!.extensions?.retryAfterSeconds,
  });
  return { ok: false, error, passing: passing !== undefined || status >= 500 };
}

export function createClient(options: ClientOptions): Client {
  const endpoint = endpointOf(options.url);
  const retries = options.retries ?? 3;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const firstWaitMs = options.firstWaitMs ?? 200;
  const longestWaitMs = options.longestWaitMs ?? 20_000;
  const credential = options.token ?? options.apiKey;
  const send = options.fetch ?? globalThis.fetch;

  async function attempt(operation: Operation<unknown, never>, body: string, call: CallOptions): Promise<Outcome> {
    const account = call.account ?? options.account;
    const bearer = typeof credential === 'function' ? await credential() : credential;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: `Bearer ${bearer}`,
          ...(account ? { 'tollgate-account': account } : {}),
        },
        body,
        signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
      });
      return outcomeOf(operation, {
        status: response.status,
        requestId: response.headers.get('x-request-id') ?? undefined,
        retryAfterSeconds: wholeSeconds(response.headers.get('retry-after')),
        body: await readBody(response),
      });
    } catch (cause) {
      if (call.signal?.aborted) throw call.signal.reason;
      const error = timeout.aborted
        ? new GatewayError('TIMEOUT', `no answer within ${timeoutMs} ms.`, { operation: operation.name, cause })
        : new GatewayError('NETWORK_ERROR', 'the gateway could not be reached.', { operation: operation.name, cause });
      return { ok: false, error, passing: true };
    }
  }

  /** How long to wait before the next attempt; nothing: there is none. */
  function waitAfter(outcome: Outcome, attempts: number, mayRepeat: boolean): number | undefined {
    if (attempts > retries) return undefined;
    // A refusal has changed nothing, so it can always be asked again; after anything else nobody knows.
    const again = outcome.ok ? outcome.refused?.retryable === true : outcome.passing && mayRepeat;
    if (!again) return undefined;
    const asked = outcome.ok
      ? wholeSeconds(factOf(outcome.refused!, 'retryAfterSeconds'))
      : outcome.error.retryAfterSeconds;
    if (asked !== undefined && asked * 1_000 > longestWaitMs) return undefined;
    const backoff = Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs);
    // Clients that failed together do not come back together.
    const jitter = backoff * (0.5 + Math.random() / 2);
    return asked === undefined ? jitter : Math.max(asked * 1_000, jitter);
  }

  return {
    async run(operation, variables, call = {}) {
      // Made once for each call, so that all its attempts are one act.
      const given = (variables as { readonly idempotencyKey?: string | null }).idempotencyKey;
      const sent = operation.keyed ? { ...variables, idempotencyKey: given ?? newIdempotencyKey() } : variables;
      const body = JSON.stringify({ query: operation.document, operationName: operation.name, variables: sent });
      const mayRepeat = operation.kind === 'query' || operation.keyed === true;
      for (let attempts = 1; ; attempts += 1) {
        const outcome = await attempt(operation as Operation<unknown, never>, body, call);
        const wait = waitAfter(outcome, attempts, mayRepeat);
        if (wait !== undefined) {
          await pause(wait, call.signal);
          continue;
        }
        if (!outcome.ok) throw outcome.error;
        return (operation.root === undefined ? outcome.data : outcome.data[operation.root]) as never;
      }
    },
  };
}

interface PageOf<Entry> {
  readonly nodes: readonly Entry[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Every entry of a list, page by page. The generated `iterate…` functions are made of it. */
export async function* entriesOf<Entry>(
  page: (after: string | null) => Promise<PageOf<Entry> | null | undefined>,
): AsyncGenerator<Entry, void, undefined> {
  for (let after: string | null = null; ; ) {
    const answered: PageOf<Entry> | null | undefined = await page(after);
    if (!answered) return;
    yield* answered.nodes;
    const { hasNextPage, endCursor } = answered.pageInfo;
    // A page that says there is more but not where would be asked for for ever.
    if (!hasNextPage || endCursor === null || endCursor === after) return;
    after = endCursor;
  }
}
