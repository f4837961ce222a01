import type { FastifyInstance } from 'fastify';

export interface PlaygroundOptions {
  /** Demo identities and tokens for the identity bar; none outside the demo. */
  readonly identities: readonly { readonly name: string; readonly about: string; readonly token: string }[];
}

export function registerPlayground(fastify: FastifyInstance, _options: PlaygroundOptions): void {
  fastify.get('/', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send('<!doctype html><title>Tollgate</title>'),
  );
}
