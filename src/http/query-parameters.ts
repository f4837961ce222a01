import type { FastifyInstance } from 'fastify';
import { refusalBody } from './refusal';

/** What a query parameter is: any text, or `true` or `false`. */
export type QueryParameters = Readonly<Record<string, 'TEXT' | 'BOOLEAN'>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The query parameters of a route; there are no others. */
    readonly query?: QueryParameters;
  }
}

const isNameable = (name: string) => /^[\w.-]{1,40}$/.test(name);

/** What is wrong with a query; `undefined`: nothing. */
export function queryProblem(query: Readonly<Record<string, unknown>>, known: QueryParameters): string | undefined {
  for (const [name, value] of Object.entries(query)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!kind) {
      const names = Object.keys(known).join(', ') || 'none';
      return `There is no query parameter ${isNameable(name) ? name : 'of this name'} here. Known: ${names}.`;
    }
    if (typeof value !== 'string') return `${name} is given once.`;
    if (kind === 'BOOLEAN' && value !== 'true' && value !== 'false') return `${name} is true or false.`;
  }
  return undefined;
}

/**
 * A parameter that is spelled wrong, or says neither yes nor no, is refused on every route: what would be done without it may
 * be the opposite of what was meant.
 */
export function checkQueries(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || !request.url.includes('?')) return done();
    const problem = queryProblem(request.query as Record<string, unknown>, request.routeOptions.config.query ?? {});
    if (!problem) return done();
    reply.status(400).send(refusalBody('BAD_REQUEST', problem, request.id));
  });
}
