import type { Actor } from '../access/actor';
import { type Instant, instant } from '../core/calendar';

export const documentFormats = ['PDF', 'CSV'] as const;
export type DocumentFormat = (typeof documentFormats)[number];

/** How long a link to a document holds: long enough to click on it, too short to be worth finding in a log. */
export const ticketMinutes = 10;

/** Lets its bearer see one document as whoever asked for it, as long as that person may. */
export interface DocumentTicket {
  readonly id: string;
  readonly actor: Actor;
  readonly expiresAt: Instant;
}

export function documentTicketText({ id, actor, expiresAt }: DocumentTicket): string {
  return JSON.stringify(['document', id, actor, expiresAt.toString()]);
}

/** Of text whose signature was verified; `undefined`: it is signed for something else. */
export function documentTicketFrom(text: string): DocumentTicket | undefined {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts[0] !== 'document') return undefined;
  const [, id, actor, expiresAt] = parts as [string, string, Actor, string];
  return { id, actor, expiresAt: instant(expiresAt) };
}
