import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import Stripe from 'stripe';
import { Billing } from './billing';
import { Books } from './books';
import { StripeFault } from './fault';
import { Params, parseForm } from './form';
import { Hooks } from './hooks';
import type { Charge } from './objects';
import { Payments } from './payments';
import { type Route, routesOf } from './routes';

/**
 * How a request goes wrong. BEFORE: nothing was done. AFTER: it was done, and the answer is lost.
 */
export type Mishap =
  | 'HANG_BEFORE'
  | 'HANG_AFTER'
  | 'RESET_BEFORE'
  | 'RESET_AFTER'
  | 'ERROR_500_BEFORE'
  | 'ERROR_500_AFTER'
  | 'TOO_MANY_REQUESTS';

interface Trouble {
  readonly on: string;
  readonly mishap: Mishap;
  left: number;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  readonly status: number | 'LOST';
}

export interface StripeStandIn {
  readonly url: string;
  readonly secretKey: string;
  readonly books: Books;
  readonly payments: Payments;
  readonly billing: Billing;
  readonly hooks: Hooks;
  readonly requests: readonly SeenRequest[];
  /** The official SDK, talking to this server. */
  client(options?: { timeout?: number; maxNetworkRetries?: number; key?: string }): Stripe;
  /** The next `times` requests to `METHOD /path` (a prefix) go wrong. */
  trouble(on: string, mishap: Mishap, times?: number): void;
  /** Ends all trouble; what hangs stays hanging until the client gives up. */
  calm(): void;
  /** What was really taken: the only truth about money here. */
  taken(): Charge[];
  /** The customer fills in the form behind a session's url, over HTTP. */
  fillIn(sessionUrl: string, card?: string): Promise<{ readonly status: number; readonly message: string }>;
  /** Time passes: renewals, retries and ends happen, their webhooks are delivered. */
  advanceTo(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

interface Kept {
  readonly fingerprint: string;
  readonly madeAt: number;
  answer?: { readonly status: number; readonly body: string };
}

const day = 86_400;
const keysLast = day;
/** A secret of the stand-in only; it opens nothing. */
const demoKey = 'sk_test_standin_0123456789abcdef';

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Puts the objects in the place of their ids, as `expand` asks. */
function expand(value: unknown, path: readonly string[], books: Books): unknown {
  if (Array.isArray(value)) return value.map((item) => expand(item, path, books));
  const [field, ...rest] = path;
  if (typeof value !== 'object' || value === null || field === undefined) return value;
  const inner = (value as Record<string, unknown>)[field];
  if (inner === undefined) {
    throw StripeFault.invalid(`This property cannot be expanded (${field}).`, 'expand');
  }
  const object = typeof inner === 'string' ? (books.byAnyId(inner) ?? inner) : inner;
  return { ...value, [field]: expand(object, rest, books) };
}

/**
 * Stripe on loopback: the API of its version 2026-10-28 as far as Tollgate uses it, with idempotency keys, list cursors,
 * signed webhooks and every way in which the real one can fail. Driven by the official SDK only.
 */
export async function startStripe(options: { secretKey?: string; live?: boolean } = {}): Promise<StripeStandIn> {
  const secretKey = options.secretKey ?? demoKey;
  const books = new Books(options.live ?? false);
  const payments = new Payments(books);
  let url = '';
  const billing = new Billing(books, payments, () => url);
  const hooks = new Hooks(() => books.now());
  const routes = routesOf({ books, payments, billing, origin: () => url });
  const keys = new Map<string, Kept>();
  const requests: SeenRequest[] = [];
  let troubles: Trouble[] = [];
  const sockets = new Set<Socket>();
  let serial = 0;
  books.onEvent = (event) => hooks.send(event);

  function misfortune(method: string, path: string): Mishap | undefined {
    const trouble = troubles.find(({ on, left }) => left > 0 && `${method} ${path}`.startsWith(on));
    if (trouble) trouble.left -= 1;
    return trouble?.mishap;
  }

  function faultBody(fault: StripeFault, requestId: string): string {
    return JSON.stringify({ error: { ...fault.body, request_log_url: `${url}/logs/${requestId}` } });
  }

  function run(route: Route, ids: readonly string[], form: ReturnType<typeof parseForm>): object {
    const params = new Params(form).accept(route.accepts);
    const result = route.run({ ids, params });
    return params
      .texts('expand')
      .reduce<object>((value, path) => expand(value, path.split('.'), books) as object, result);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    serial += 1;
    const requestId = `req_${serial}`;
    const { method = 'GET' } = request;
    const target = new URL(request.url ?? '/', url);
    const path = target.pathname;
    const body = await bodyOf(request);
    const header = request.headers['idempotency-key'];
    const key = typeof header === 'string' ? header : undefined;
    const lose = (): void => {
      requests.push({ method, path, idempotencyKey: key, status: 'LOST' });
    };
    const send = (status: number, text: string, headers: Record<string, string> = {}): void => {
      requests.push({ method, path, idempotencyKey: key, status });
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': requestId, ...headers });
      response.end(text);
    };
    const refuse = (fault: StripeFault, headers?: Record<string, string>): void =>
      send(fault.status, faultBody(fault, requestId), headers);

    const page = /^\/c\/pay\/([^/]+)$/.exec(path);
    if (page) {
      try {
        const session = books.get('checkout.session', page[1]!);
        if (method === 'POST') billing.complete(session, parseForm(body)['card'] as string);
        return send(200, JSON.stringify({ status: session.status, message: '' }));
      } catch (error) {
        if (error instanceof StripeFault) return refuse(error);
        throw error;
      }
    }

    if (request.headers.authorization !== `Bearer ${secretKey}`) {
      return refuse(
        new StripeFault(401, { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_****' }),
      );
    }
    const mishap = misfortune(method, path);
    if (mishap === 'HANG_BEFORE') return lose();
    if (mishap === 'RESET_BEFORE') {
      lose();
      request.socket.resetAndDestroy();
      return;
    }
    if (mishap === 'ERROR_500_BEFORE') {
      return refuse(new StripeFault(500, { type: 'api_error', message: 'An unknown error occurred' }));
    }
    if (mishap === 'TOO_MANY_REQUESTS') {
      return refuse(
        new StripeFault(429, {
          type: 'invalid_request_error',
          code: 'rate_limit',
          message: 'Request rate limit exceeded.',
        }),
        { 'stripe-should-retry': 'false' },
      );
    }

    const found = routes
      .filter((route) => route.method === method)
      .map((route) => ({ route, match: route.pattern.exec(path) }))
      .find(({ match }) => match !== null);
    if (!found) {
      return refuse(
        new StripeFault(404, {
          type: 'invalid_request_error',
          message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
        }),
      );
    }

    const fingerprint = `${method} ${path} ${body}`;
    let kept: Kept | undefined;
    let replayed: Kept['answer'];
    if (key !== undefined && method === 'POST') {
      kept = keys.get(key);
      if (kept && kept.madeAt + keysLast <= books.now()) kept = undefined;
      if (kept && kept.fingerprint !== fingerprint) {
        return refuse(
          new StripeFault(400, {
            type: 'idempotency_error',
            message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
          }),
        );
      }
      replayed = kept?.answer;
      kept ??= { fingerprint, madeAt: books.now() };
    }

    let status = 200;
    let text: string;
    books.request = { id: requestId, idempotency_key: key ?? null };
    try {
      const { route, match } = found;
      const form = parseForm(method === 'POST' ? body : target.search.slice(1));
      text = replayed?.body ?? JSON.stringify(run(route, match!.slice(1), form));
      status = replayed?.status ?? 200;
    } catch (error) {
      if (!(error instanceof StripeFault)) throw error;
      status = error.status;
      text = faultBody(error, requestId);
    } finally {
      books.request = { id: null, idempotency_key: null };
    }
    // What was refused for its parameters never began: its key stays free. A declined card is an answer like others.
    if (kept && status !== 400 && status !== 404) keys.set(key!, { ...kept, answer: { status, body: text } });
    if (mishap === 'HANG_AFTER') return lose();
    if (mishap === 'RESET_AFTER') {
      lose();
      request.socket.resetAndDestroy();
      return;
    }
    if (mishap === 'ERROR_500_AFTER') {
      return refuse(new StripeFault(500, { type: 'api_error', message: 'An unknown error occurred' }));
    }
    send(status, text, replayed ? { 'idempotent-replayed': 'true' } : {});
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { type: 'api_error', message: `the stand-in broke: ${String(error)}` } }));
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;

  return {
    ...{ url, secretKey, books, payments, billing, hooks, requests },
    client: ({ timeout = 2_000, maxNetworkRetries = 0, key = secretKey } = {}) =>
      new Stripe(key, {
        ...{ host: '127.0.0.1', port, protocol: 'http' as const, timeout, maxNetworkRetries },
        telemetry: false,
      }),
    trouble: (on, mishap, times = 1) => {
      troubles.push({ on, mishap, left: times });
    },
    calm: () => {
      troubles = [];
    },
    taken: () => books.all('charge').filter(({ paid }) => paid),
    fillIn: async (sessionUrl, card = 'pm_card_visa') => {
      const response = await fetch(sessionUrl, { method: 'POST', body: new URLSearchParams({ card }) });
      const body = (await response.json()) as { error?: { message: string } };
      await hooks.settled();
      return { status: response.status, message: body.error?.message ?? '' };
    },
    advanceTo: async (seconds) => {
      await billing.advanceTo(seconds, () => hooks.settled());
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
