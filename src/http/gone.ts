import type { FastifyReply } from 'fastify';
import type { Gone } from '../platform/fair-queue';

/** The client of this answer has closed its connection before it was answered. */
export function goneOf({ raw }: FastifyReply): Gone {
  return (listener) => {
    if (raw.closed) setImmediate(listener);
    raw.once('close', listener);
    return () => raw.off('close', listener);
  };
}
