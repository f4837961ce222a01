import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../access/actor';
import type { App } from '../app';
import type { Refusal } from '../core/result';
import { isOutage } from '../graphql/errors';
import type { Metrics } from '../platform/metrics';
import { mostEvents, recordUsageBatch } from '../usage/record-usage-batch.command';

export interface UsageRouteParts {
  readonly app: App;
  readonly metrics: Metrics;
}

const limits = {
  /** Of a request: what is recorded well before it would have taken too long to arrive. */
  lines: 100_000,
  /** Bytes of a line: an event with the longest of everything. */
  line: 64 * 1024,
  /** How many problems are listed; the others are counted. */
  problems: 1_000,
} as const;

interface Line {
  /** From 1. */
  readonly number: number;
  /** None: it is too long. */
  readonly bytes?: Buffer | undefined;
}

/** The lines of a body, as they arrive. Of a line that is too long nothing is kept. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 0;
  let held: Buffer[] = [];
  let size = 0;
  const line = (): Line => {
    number += 1;
    const bytes = size > limits.line ? undefined : held.length === 1 ? held[0] : Buffer.concat(held);
    held = [];
    size = 0;
    return { number, bytes };
  };
  for await (const chunk of body) {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(10, from);
      const piece = chunk.subarray(from, end === -1 ? chunk.length : end);
      size += piece.length;
      if (size > limits.line) held = [];
      else held.push(piece);
      if (end === -1) break;
      yield line();
      from = end + 1;
    }
  }
  if (size > 0) yield line();
}

interface LineProblem {
  readonly line: number;
  readonly id?: string | undefined;
  readonly code: string;
  readonly message: string;
}

/** What became of the lines so far. */
interface Tally {
  recorded: number;
  duplicates: number;
  rejected: number;
  readonly problems: LineProblem[];
}

function reject(tally: Tally, problem: LineProblem): void {
  tally.rejected += 1;
  if (tally.problems.length < limits.problems) tally.problems.push(problem);
}

const blank = /^\s*$/;

/** The event of a line; `undefined`: there is none, and the tally says so. */
function eventOf({ number, bytes }: Line, tally: Tally): unknown {
  const bad = (message: string) => reject(tally, { line: number, code: 'INVALID_EVENT', message });
  if (!bytes) return bad(`A line has at most ${limits.line} bytes.`);
  if (!isUtf8(bytes)) return bad('A line is UTF-8.');
  const text = bytes.toString('utf8');
  if (blank.test(text)) return undefined;
  try {
    return JSON.parse(text) ?? bad('An event is a JSON object.');
  } catch {
    return bad('A line is JSON.');
  }
}

interface Waiting {
  readonly lines: number[];
  readonly events: unknown[];
}

const statusOf: Readonly<Record<string, number>> = {
  FORBIDDEN: 403,
  TENANT_NOT_FOUND: 404,
  BUSY: 503,
};

/**
 * POST /v1/usage: one event a line (NDJSON), for as many as there are. A thousand at a time go through the same command as
 * `recordUsageBatch`, and the body is read no faster than they are recorded. What was recorded stays recorded, whatever
 * comes after it: whoever is cut off sends all of it again, and nothing is counted twice.
 */
export function registerUsageRoute(fastify: FastifyInstance, { app, metrics }: UsageRouteParts): void {
  const refuse = (reply: FastifyReply, status: number, code: string, message: string, more: object = {}) => {
    metrics.requests.inc({ outcome: 'refused' });
    const extensions = { code, requestId: reply.request.id };
    return reply.status(status).send({ errors: [{ message, extensions }], ...more });
  };

  async function record(actor: Actor, query: Query, waiting: Waiting, tally: Tally): Promise<Refusal | undefined> {
    if (waiting.events.length === 0) return undefined;
    const { tenantId } = query;
    const outcome = await app.write(
      actor,
      { mutation: 'recordUsageBatch', permission: 'USAGE', scope: { kind: 'TENANT', tenantId }, input: {} },
      (tx) => recordUsageBatch(tx, { events: waiting.events, enforce: query.enforce === 'true' }),
    );
    if (!outcome.ok) return outcome.refusal;
    const { recorded, duplicates, rejected } = outcome.value;
    tally.recorded += recorded;
    tally.duplicates += duplicates;
    for (const { index, id, code, message } of rejected) {
      reject(tally, { line: waiting.lines[index]!, id, code, message });
    }
    return undefined;
  }

  async function handle(request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply): Promise<FastifyReply> {
    const { authorization, 'tollgate-account': account } = request.headers;
    const authentication = await app.authenticate(authorization, typeof account === 'string' ? account : undefined);
    if (authentication.outcome !== 'ACTOR') {
      return authentication.outcome === 'ACCOUNT_REQUIRED'
        ? refuse(reply, 400, 'ACCOUNT_REQUIRED', 'You belong to several accounts: name one in Tollgate-Account.')
        : refuse(reply, 401, 'UNAUTHENTICATED', 'Give a bearer token or an API key.');
    }
    const tally: Tally = { recorded: 0, duplicates: 0, rejected: 0, problems: [] };
    let waiting: Waiting = { lines: [], events: [] };
    try {
      for await (const line of linesOf(request.body as Readable)) {
        if (line.number > limits.lines) {
          const message = `A request has at most ${limits.lines} lines; those before were recorded.`;
          await record(authentication.actor, request.query, waiting, tally);
          return refuse(reply, 413, 'BAD_REQUEST', message, tally);
        }
        const event = eventOf(line, tally);
        if (event === undefined) continue;
        waiting.lines.push(line.number);
        waiting.events.push(event);
        if (waiting.events.length < mostEvents) continue;
        const refused = await record(authentication.actor, request.query, waiting, tally);
        if (refused) return refuse(reply, statusOf[refused.code] ?? 400, refused.code, refused.message, tally);
        waiting = { lines: [], events: [] };
      }
      const refused = await record(authentication.actor, request.query, waiting, tally);
      if (refused) return refuse(reply, statusOf[refused.code] ?? 400, refused.code, refused.message, tally);
    } catch (error) {
      if (!isOutage(error)) throw error;
      return refuse(reply, 503, 'SERVICE_UNAVAILABLE', 'Try again in a moment: send all of it.', tally);
    }
    metrics.requests.inc({ outcome: 'ok' });
    return reply.send(tally);
  }

  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body stays a stream: nobody holds the whole of it.
    scope.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload));
    scope.post('/v1/usage', handle);
  });
}

interface Query {
  /** Default: the actor's own. */
  readonly tenantId?: string;
  /** `true`: only what the limits allow. */
  readonly enforce?: string;
}
