import type { Instant } from '../core/calendar';
import { encodeId, type Id } from '../core/ids';

/** One event of a partner's log. */
export interface Event {
  readonly id: Id<'Event'>;
  readonly partnerId: Id<'Partner'>;
  /** 1, 2, 3 … for each partner, without holes. */
  readonly sequence: bigint;
  readonly type: string;
  /** Of the shape of `data`. */
  readonly version: number;
  readonly tenantId?: Id<'Tenant'> | undefined;
  readonly sandbox: boolean;
  /** In the shape of the catalogue: ids and money as in the API. */
  readonly data: object;
  /** By the clock of whom it is about: a sandbox tenant's own. */
  readonly occurredAt: Instant;
}

/** A number as a place in a list: cursors are made of what looks like a UUID. */
export function placeOf({ sequence }: Pick<Event, 'sequence'>): string {
  const hex = sequence.toString(16).padStart(16, '0');
  return `00000000-0000-0000-${hex.slice(0, 4)}-${hex.slice(4)}`;
}

export function sequenceAtPlace(place: string): bigint {
  return BigInt(`0x${place.slice(-17).replace('-', '')}`);
}

type Described = Omit<Event, 'sequence' | 'id'> & { readonly id: string; readonly sequence: bigint | undefined };

/** The text that is signed and sent: the same for every attempt and endpoint. */
export function bodyOf(event: Described): string {
  return JSON.stringify({
    id: encodeId('Event', event.id),
    type: event.type,
    timestamp: event.occurredAt.toString({ smallestUnit: 'millisecond' }),
    // A number: it counts events, and 2^53 of them take a while.
    sequence: event.sequence === undefined ? null : Number(event.sequence),
    version: event.version,
    partnerId: encodeId('Partner', event.partnerId),
    tenantId: event.tenantId ? encodeId('Tenant', event.tenantId) : null,
    sandbox: event.sandbox,
    data: event.data,
  });
}
