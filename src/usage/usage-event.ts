import { type DecimalValue, parseDecimal } from '../core/decimal';
import { toStorable } from '../core/text';
import { isObject, readEventData } from './event-data';

/** What happened, as the client sent it: the attributes of CloudEvents 1.0 and a quantity. */
export interface UsageEvent {
  /** With the source: the same is the same event. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The same as RFC 3339 in UTC. */
  readonly atText: string;
  /** The client said when; else it was now. */
  readonly timeGiven: boolean;
  readonly quantity?: DecimalValue | undefined;
  readonly quantityText?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** The data as JSON. */
  readonly dataText?: string | undefined;
}

export const eventProblems = [
  'INVALID_EVENT',
  'EVENT_TYPE_UNKNOWN',
  'EVENT_IN_FUTURE',
  'EVENT_CONFLICT',
  'NOT_ENTITLED',
  'LIMIT_REACHED',
] as const;
export type EventProblemCode = (typeof eventProblems)[number];

export interface EventProblem {
  readonly code: EventProblemCode;
  readonly message: string;
  readonly facts?: Readonly<Record<string, string>> | undefined;
}

/** An event of which all is known but when the tenant's clock says it happened. */
export interface SentEvent extends Omit<UsageEvent, 'at' | 'atText'> {
  /** None where the client did not say when. */
  readonly at: number | undefined;
  readonly atText: string | undefined;
  /** Roughly the bytes that it takes in memory. */
  readonly weight: number;
}

/** Of an event that cannot be read: what is wrong, and its id where it has one. */
export interface UnreadEvent extends EventProblem {
  readonly id?: string | undefined;
}

/** Clocks differ a little; whoever is further ahead has a wrong one. */
export const futureTolerance = 5 * 60_000;
const longestText = 200;
/** What an event takes in memory beside its texts and its data, roughly. */
const bytesOfEvent = 400;
/** One event counts at most this much, so that no sum leaves what a column holds. */
const quantityPattern = /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?$/;

/** Most events count the same few quantities. */
const quantities = new Map<string, DecimalValue>();
const mostQuantities = 10_000;

/** So many digits of a JSON number are the ones that were written; a JSON parser may have rounded a longer one. */
const mostNumberDigits = 15;
const digitsOf = (text: string) => text.replace('.', '').replace(/^0+/, '').length;

/** A decimal as text, or a JSON number that says exactly what it is; `undefined`: neither. */
function quantityText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !quantityPattern.test(text)) return undefined;
  return typeof value === 'number' && digitsOf(text) > mostNumberDigits ? undefined : text;
}

/** A quantity of an event. */
export function quantityOf(value: unknown): DecimalValue | undefined {
  const text = quantityText(value);
  if (text === undefined) return undefined;
  const known = quantities.get(text);
  if (known) return known;
  const parsed = parseDecimal(text);
  if (quantities.size >= mostQuantities) quantities.clear();
  if (parsed) quantities.set(text, parsed);
  return parsed;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const unprintable = /[\u0000-\u001f\u007f]/;

function isLabel(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= longestText &&
    !unprintable.test(value) &&
    value.isWellFormed()
  );
}

const timePattern =
  /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const earliest = 0;

const computersPattern = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d\.\d{3}Z$/;

type Time = Pick<UsageEvent, 'at' | 'atText'>;
const timeOf = (at: number): Time => ({ at, atText: new Date(at).toISOString() });

/** RFC 3339, to the millisecond; `undefined` for anything else, also for 30 February. */
function parseTime(text: string): Time | undefined {
  const written = text.length === 24 ? computersPattern.exec(text) : null;
  if (written) {
    // As computers write it, the text stays; a day that the month does not have would be read as one of the next.
    const date = new Date(text);
    const at = date.getTime();
    return at >= earliest && date.getUTCDate() === Number(written[1]) ? { at, atText: text } : undefined;
  }
  const match = text.length <= 40 ? timePattern.exec(text) : null;
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const at = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return at >= earliest ? timeOf(at) : undefined;
}

const bad = (message: string): EventProblem => ({ code: 'INVALID_EVENT', message });

const isMissing = (value: unknown): value is undefined | null => value === undefined || value === null;
const notLabel = (name: string) => bad(`${name} has 1 to ${longestText} printable characters.`);

/** The id of something that is no event, so that its sender finds it. The answer is kept where the request had an idempotency key. */
function idIn(sent: unknown): string | undefined {
  const id = isObject(sent) ? sent['id'] : undefined;
  return typeof id === 'string' ? toStorable(id.slice(0, longestText)) : undefined;
}

/**
 * One event of a batch, a line of NDJSON or a CloudEvent: whatever a client sends, of whatever depth and length. Never throws.
 * Attributes of CloudEvents that say nothing here are let through, and are not kept. Of two members of one name JSON keeps
 * the last.
 */
export function readUsageEvent(sent: unknown): SentEvent | UnreadEvent {
  const read = readMembers(sent);
  return isProblem(read) ? { ...read, id: idIn(sent) } : read;
}

function readMembers(sent: unknown): SentEvent | EventProblem {
  if (!isObject(sent)) return bad('An event is a JSON object.');
  const { id, type, source, subject, time, quantity, data, specversion, datacontenttype } = sent;
  if (specversion !== undefined && specversion !== '1.0') return bad('specversion is 1.0.');
  if (!isLabel(id)) return notLabel('id');
  if (!isLabel(type)) return notLabel('type');
  if (!isMissing(source) && !isLabel(source)) return notLabel('source');
  if (!isMissing(subject) && !isLabel(subject)) return notLabel('subject');
  if (!isMissing(datacontenttype) && !isLabel(datacontenttype)) return notLabel('datacontenttype');
  const when = typeof time === 'string' ? parseTime(time) : undefined;
  if (!isMissing(time) && !when) return bad('time is RFC 3339, such as 2026-01-31T12:00:00Z, from 1970 on.');
  const parsed = isMissing(quantity) ? undefined : quantityOf(quantity);
  if (!isMissing(quantity) && !parsed) {
    return bad(
      'quantity is a decimal that is not negative, with at most 12 digits before and 12 after the point; as a JSON number with at most 15 in all.',
    );
  }
  const content = isMissing(data) ? undefined : readEventData(data);
  if (typeof content === 'string') return bad(content);
  if (content && !isMissing(datacontenttype) && !/json/i.test(datacontenttype)) {
    return bad('datacontenttype is application/json.');
  }
  // Member by member: there are a thousand of them in a batch.
  return {
    id,
    source: source ?? '',
    type,
    subject: subject ?? undefined,
    at: when?.at,
    atText: when?.atText,
    timeGiven: when !== undefined,
    quantity: parsed,
    quantityText: parsed && quantityText(quantity),
    data: content?.content,
    dataText: content?.text,
    weight: bytesOfEvent + 2 * (id.length + type.length) + (content?.weight ?? 0),
  };
}

/**
 * The event as it happened, or that it is ahead of the clock.
 *
 * @param now the tenant's, in milliseconds since 1970: when it happened where the client did not say
 */
export function happened(sent: SentEvent, now: number): UsageEvent | EventProblem {
  if (sent.at === undefined) return { ...sent, ...timeOf(now) };
  if (sent.at > now + futureTolerance) return { code: 'EVENT_IN_FUTURE', message: 'time is in the future.' };
  return sent as UsageEvent;
}

export function isProblem<Problem extends EventProblem>(parsed: UsageEvent | SentEvent | Problem): parsed is Problem {
  return 'code' in parsed;
}

/** What tells events apart. */
export function keyOf({ id, source }: Pick<UsageEvent, 'id' | 'source'>): string {
  return `${source}\n${id}`;
}

/** One order for everybody who takes keys. */
export function inKeyOrder(one: Pick<UsageEvent, 'id' | 'source'>, two: Pick<UsageEvent, 'id' | 'source'>): number {
  if (one.id !== two.id) return one.id < two.id ? -1 : 1;
  return one.source === two.source ? 0 : one.source < two.source ? -1 : 1;
}

/** Two sendings of one event, within a batch: do they say the same? */
export function isSameEvent(first: UsageEvent, second: UsageEvent): boolean {
  return (
    first.type === second.type &&
    first.subject === second.subject &&
    first.at === second.at &&
    (first.quantity === second.quantity || first.quantity?.equals(second.quantity ?? -1) === true) &&
    canonicalText(first.data) === canonicalText(second.data)
  );
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([one], [two]) => (one < two ? -1 : 1))) : member,
  );
}
