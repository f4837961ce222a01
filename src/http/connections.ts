import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refusalBody, refusalOf } from './refusal';

/** Milliseconds that a client may take. */
export interface ConnectionLimits {
  /** Until a request has arrived, its body included. */
  readonly request: number;
}

/** Until the headers have arrived. */
const longestHeaders = 10_000;
/** Between two requests on one connection. */
const longestIdle = 10_000;
/** For what a client still sends when it has its answer, or has been refused: that much longer it may listen. */
const linger = 1_000;

/** What is said of answers to everybody: not to be kept on the way, not to be taken for another type than it says. */
const safeHeaders = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } as const;

export const serverOptions = ({ request }: ConnectionLimits) => ({
  // A connection over which nothing comes or goes.
  connectionTimeout: Math.max(request, 30_000),
  requestTimeout: request,
  keepAliveTimeout: Math.min(longestIdle, request),
  http: {
    headersTimeout: Math.min(longestHeaders, request),
    requestTimeout: request,
    // How often Node looks for those that are late: by itself only every half minute.
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(request / 4)),
  },
});

/** Node keeps the other half of a connection open for as long as its client does not close it. */
function endSoon(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), linger).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

const statusOfFailure: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Of which a request has its answer, though its body has not arrived: a second answer would be taken for the next one's. */
const answered = new WeakSet<Socket>();

/** What Node itself refuses: there is only the connection to answer on, and nothing where an answer has begun. */
export function refuseConnection(error: { readonly code?: string }, socket: Socket): void {
  const begun =
    answered.has(socket) || (socket as { _httpMessage?: { headersSent?: boolean } })._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || begun) return void socket.destroy();
  const status = statusOfFailure[error.code ?? ''] ?? 400;
  const body = JSON.stringify(refusalOf(status, randomUUID()));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      ...Object.entries(safeHeaders).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      `\r\n${body}`,
    ].join('\r\n'),
  );
  endSoon(socket);
}

/** What cannot even be routed: a path with a broken escape, for example. */
export const refuseUnroutable = (_error: unknown, request: FastifyRequest, reply: FastifyReply) =>
  void reply
    .status(400)
    .headers(safeHeaders)
    .send(refusalBody('BAD_REQUEST', 'The path cannot be decoded.', request.id));

/** By callback: a promise for each hook of each request is not free. */
export function guardConnections(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', safeHeaders['x-content-type-options']);
    reply.header('cache-control', safeHeaders['cache-control']);
    done();
  });
  fastify.addHook('onResponse', ({ raw }, _reply, done) => {
    // Answered before its body has arrived: what comes of it in the next moment is thrown away.
    const { socket } = raw;
    if (!raw.complete && socket && !socket.destroyed) {
      answered.add(socket);
      const timer = setTimeout(() => socket.destroy(), linger).unref();
      const end = () => {
        clearTimeout(timer);
        answered.delete(socket);
      };
      raw.once('end', end).once('close', end).resume();
    }
    done();
  });
}
