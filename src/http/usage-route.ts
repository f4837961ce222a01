import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../access/actor';
import type { App } from '../app';
import type { Refusal } from '../core/result';
import { isOutage, unauthenticated } from '../graphql/errors';
import type { Gone } from '../platform/fair-queue';
import type { Metrics } from '../platform/metrics';
import { points } from '../rate-limits';
import { mostEvents, recordUsageBatch } from '../usage/record-usage-batch.command';
import { isProblem, readUsageEvent, type SentEvent } from '../usage/usage-event';
import { type Line, linesOf, longestLine } from './event-lines';
import { goneOf } from './gone';
import { refusalBody } from './refusal';

export interface UsageLimits {
  /** Of one request. */
  readonly bytes: number;
  /** Requests of one actor at the same time, by this process. */
  readonly streams: number;
  /** How long one request is read. */
  readonly milliseconds: number;
}

export interface UsageRouteParts {
  readonly app: App;
  readonly metrics: Metrics;
  readonly limits: UsageLimits;
}

const mostLines = 100_000;
/** How many problems are listed; the others are counted. */
const mostProblems = 1_000;
/** Bytes that wait to be recorded, roughly: of whatever was sent, no more is held. */
const mostWaiting = 1024 * 1024;

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
  if (tally.problems.length < mostProblems) tally.problems.push(problem);
}

const blank = /^\s*$/;

/** The event of a line; `undefined`: there is none, and the tally says so. Nothing but the members of an event is kept. */
function eventOf({ number, bytes }: Line, tally: Tally): SentEvent | undefined {
  const bad = (message: string, id?: string) =>
    void reject(tally, { line: number, ...(id !== undefined && { id }), code: 'INVALID_EVENT', message });
  if (!bytes) return bad(`A line has at most ${longestLine} bytes.`);
  if (!isUtf8(bytes)) return bad('A line is UTF-8.');
  const text = bytes.toString('utf8');
  if (blank.test(text)) return undefined;
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch {
    return bad('A line is JSON.');
  }
  const event = readUsageEvent(sent);
  return isProblem(event) ? bad(event.message, event.id) : event;
}

/** What waits to be recorded together. */
class Waiting {
  readonly lines: number[] = [];
  readonly events: SentEvent[] = [];
  private weight = 0;

  add(line: number, event: SentEvent): void {
    this.lines.push(line);
    this.events.push(event);
    this.weight += event.weight;
  }

  get isFull(): boolean {
    return this.events.length >= mostEvents || this.weight >= mostWaiting;
  }
}

/** Why a request ends before its body does. */
interface Ended {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** When to come back. */
  readonly retryAfterSeconds?: string | undefined;
}

const statusOf: Readonly<Record<string, number>> = {
  FORBIDDEN: 403,
  TENANT_NOT_FOUND: 404,
  RATE_LIMITED: 429,
  BUSY: 503,
};
const endedBy = ({ code, message, facts }: Refusal): Ended => ({
  ...{ status: statusOf[code] ?? 400, code, message },
  retryAfterSeconds: facts.find(({ name }) => name === 'retryAfterSeconds')?.value,
});

interface Query {
  /** Default: the actor's own. */
  readonly tenantId?: string;
  /** `true`: only what the limits allow. */
  readonly enforce?: 'true' | 'false';
}

/** One request of the route. */
class UsageStream {
  readonly tally: Tally = { recorded: 0, duplicates: 0, rejected: 0, problems: [] };
  private waiting = new Waiting();
  /** A limit was reached before the end. */
  private cut: { readonly status: number; readonly limit: string } | undefined;

  constructor(
    private readonly parts: UsageRouteParts,
    private readonly actor: Actor,
    private readonly query: Query,
    private readonly gone: Gone,
  ) {}

  /** Reads and records all of it; answers why not, where it ends before the body does. */
  async read(body: AsyncIterable<Buffer>): Promise<Ended | undefined> {
    let last = 0;
    for await (const line of linesOf(this.within(body))) {
      last = line.number;
      const end = this.endAt(last);
      if (end) return (await this.record()) ?? end;
      const event = eventOf(line, this.tally);
      if (!event) continue;
      this.waiting.add(line.number, event);
      // The body is read no faster than it is recorded.
      const refused = this.waiting.isFull ? await this.record() : undefined;
      if (refused) return refused;
    }
    return (await this.record()) ?? this.endAt(last + 1);
  }

  /** The body as far as the limits go; `cut` says that there is more. */
  private async *within(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { bytes, milliseconds } = this.parts.limits;
    const started = performance.now();
    let size = 0;
    for await (const part of body) {
      size += part.length;
      if (size > bytes) this.cut = { status: 413, limit: `has at most ${bytes} bytes` };
      if (performance.now() - started > milliseconds) {
        this.cut = { status: 408, limit: `is read for at most ${milliseconds / 1_000} seconds` };
      }
      if (this.cut) return;
      yield part;
    }
  }

  private endAt(line: number): Ended | undefined {
    if (line > mostLines) this.cut = { status: 413, limit: `has at most ${mostLines} lines` };
    if (!this.cut) return undefined;
    const message = `A request ${this.cut.limit}; the lines before ${line} were recorded.`;
    return { status: this.cut.status, code: 'BAD_REQUEST', message };
  }

  private async record(): Promise<Ended | undefined> {
    const { lines, events } = this.waiting;
    if (events.length === 0) return undefined;
    this.waiting = new Waiting();
    const { tenantId, enforce } = this.query;
    const { gone } = this;
    const outcome = await this.parts.app.write(
      this.actor,
      {
        ...{ mutation: 'recordUsageBatch', permission: 'USAGE', input: {} },
        scope: { kind: 'TENANT', tenantId },
        cost: points.event * events.length,
        gone,
      },
      (tx) => recordUsageBatch(tx, { events, enforce: enforce === 'true' }),
    );
    if (!outcome.ok) return endedBy(outcome.refusal);
    const { recorded, duplicates, rejected } = outcome.value;
    this.tally.recorded += recorded;
    this.tally.duplicates += duplicates;
    for (const { index, id, code, message } of rejected) {
      reject(this.tally, { line: lines[index]!, id, code, message });
    }
    return undefined;
  }
}

/**
 * POST /v1/usage: one event a line (NDJSON), for as many as there are. Up to a thousand at a time go through the same command
 * as `recordUsageBatch`. What was recorded stays recorded, whatever comes after it: a client that was cut off sends all of it again,
 * and nothing is counted twice.
 */
export function registerUsageRoute(fastify: FastifyInstance, parts: UsageRouteParts): void {
  const { app, metrics, limits } = parts;
  /** How many requests each actor has under way. */
  const underWay = new Map<string, number>();

  const refuse = (
    reply: FastifyReply,
    { status, code, message, retryAfterSeconds = '1' }: Ended,
    tally: object = {},
  ) => {
    metrics.requests.inc({ outcome: 'refused' });
    if (status === 429 || status === 503) reply.header('retry-after', retryAfterSeconds);
    return reply.status(status).send({ ...refusalBody(code, message, reply.request.id), ...tally });
  };

  async function answer(actor: Actor, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const stream = new UsageStream(parts, actor, request.query as Query, goneOf(reply));
    try {
      // An answer before the end does not end the connection: it would be cut off with it.
      const ended = await stream.read((request.body as IncomingMessage).iterator({ destroyOnReturn: false }));
      if (ended) return refuse(reply, ended, stream.tally);
    } catch (error) {
      // A client that has hung up gets no answer.
      if (request.raw.destroyed && !request.raw.complete) return refuse(reply, brokenOff, stream.tally);
      if (!isOutage(error)) throw error;
      app.log.error({ err: error, requestId: request.id }, 'request failed');
      const message = 'The service is busy or restarting; try again in a moment, and send all of it.';
      return refuse(reply, { status: 503, code: 'SERVICE_UNAVAILABLE', message }, stream.tally);
    }
    metrics.requests.inc({ outcome: 'ok' });
    return reply.send(stream.tally);
  }

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { authorization, 'tollgate-account': account, 'content-encoding': encoding } = request.headers;
    if (encoding !== undefined && encoding !== 'identity') return refuse(reply, packed);
    const authentication = await app.authenticate(authorization, typeof account === 'string' ? account : undefined);
    if (authentication.outcome === 'ACCOUNT_REQUIRED') return refuse(reply, accountRequired);
    if (authentication.outcome !== 'ACTOR') return refuse(reply, stranger);
    const { actor } = authentication;
    const others = underWay.get(actor.principalId) ?? 0;
    if (others >= limits.streams) return refuse(reply, tooMany(limits.streams));
    underWay.set(actor.principalId, others + 1);
    try {
      return await answer(actor, request, reply);
    } finally {
      const left = underWay.get(actor.principalId)! - 1;
      if (left === 0) underWay.delete(actor.principalId);
      else underWay.set(actor.principalId, left);
    }
  }

  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body stays a stream: nobody holds the whole of it.
    scope.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload));
    scope.post('/v1/usage', { config: { query: { tenantId: 'TEXT', enforce: 'BOOLEAN' } } }, handle);
  });
}

const brokenOff: Ended = { status: 400, code: 'BAD_REQUEST', message: 'The body broke off: send all of it again.' };
const packed: Ended = { status: 415, code: 'BAD_REQUEST', message: 'The body is not packed: send plain lines.' };
const stranger: Ended = { status: 401, code: 'UNAUTHENTICATED', message: unauthenticated };
const accountRequired: Ended = {
  ...{ status: 400, code: 'ACCOUNT_REQUIRED' },
  message: 'You belong to several accounts: name one in Tollgate-Account.',
};
const tooMany = (streams: number): Ended => ({
  ...{ status: 429, code: 'RATE_LIMITED' },
  message: `You have ${streams} of these requests under way; wait until one has ended.`,
});
