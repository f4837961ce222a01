import type { Instant, TimeZone } from '../core/calendar';
import type { Period } from '../core/period';
import { type ProrationBasis, remainingShare } from '../core/proration';
import type { LineDraft } from '../invoicing/invoice';
import { type ChargedItem, chargeLine, creditLine } from './charged-item';
import type { AllowanceLeft } from './unused-allowance';

export interface Moment {
  readonly at: Instant;
  readonly basis: ProrationBasis;
  readonly timeZone: TimeZone;
  readonly period: Period;
  readonly trialing: boolean;
}

/** Billing rules §6: the prorated rest of the period, at once. During a trial nothing is charged. */
export function addonStartLines(
  moment: Moment,
  item: Pick<ChargedItem, 'itemId' | 'name' | 'catalogId' | 'unitAmount' | 'quantity'>,
): LineDraft[] {
  if (moment.trialing) return [];
  const share = remainingShare(moment.basis, moment.period, moment.at, moment.timeZone);
  if (share.remaining === 0n) return [];
  const span = { start: moment.period.start, end: moment.period.end };
  const rest = { start: moment.at, end: moment.period.end };
  return [chargeLine('PRORATION_CHARGE', { ...item, kind: 'ADDON' }, share, rest, span)];
}

/** Cancelled at once: a credit for the unused, effectively paid part. */
export function addonEndLines(moment: Moment, charged: ChargedItem, allowance?: AllowanceLeft): LineDraft[] {
  if (moment.trialing) return [];
  const share = remainingShare(moment.basis, moment.period, moment.at, moment.timeZone);
  if (share.remaining === 0n) return [];
  const span = { start: moment.period.start, end: moment.period.end };
  const line = creditLine(charged, share, { start: moment.at, end: moment.period.end }, span, allowance);
  return line.amount.minor === 0n ? [] : [line];
}
