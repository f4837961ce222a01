import { done, type Result, refuse } from '../core/result';
import { ingestUsage, type UsageTx } from './record-usage-batch.command';
import { readUsageEvent } from './usage-event';

export interface RecordUsageInput {
  readonly id: string;
  /** The event's type; for a feature without a meter of its own, its code. */
  readonly type: string;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
  /** RFC 3339. */
  readonly time?: string | undefined;
  /** A decimal; default 1. */
  readonly quantity?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** Only where the limits allow it. */
  readonly enforce?: boolean | undefined;
}

export const recordUsageRefusals = [
  'INVALID_INPUT',
  'EVENT_TYPE_UNKNOWN',
  'EVENT_IN_FUTURE',
  'EVENT_CONFLICT',
  'NOT_ENTITLED',
  'LIMIT_REACHED',
] as const;
type Code = (typeof recordUsageRefusals)[number];

/** Records one event. Sending it again changes nothing, and is answered as recorded before. */
export async function recordUsage(tx: UsageTx, input: RecordUsageInput): Promise<Result<{ duplicate: boolean }, Code>> {
  const { enforce = false, ...event } = input;
  const { duplicates, rejected } = await ingestUsage(tx, [readUsageEvent(event)], enforce);
  const problem = rejected[0];
  if (!problem) return done({ duplicate: duplicates > 0 });
  const { code, message, facts } = problem;
  return code === 'INVALID_EVENT'
    ? refuse('INVALID_INPUT', message, { path: ['input'] })
    : refuse(code as Code, message, { facts });
}
