import type { TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { ProrationBasis } from '../core/proration';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { CouponOrder, Partner } from './partner';

export interface CreatePartnerInput {
  readonly code: string;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly timeZone: TimeZone;
  readonly prorationBasis?: ProrationBasis | undefined;
  readonly couponOrder?: CouponOrder | undefined;
}

export const createPartnerRefusals = ['CODE_TAKEN', 'INVALID_INPUT'] as const;

/** A reseller. Its first owner is invited with `inviteUser`. */
export async function createPartner(
  tx: Pick<Tx, 'partners' | 'newId' | 'now'>,
  input: CreatePartnerInput,
): Promise<Result<{ partner: Partner }, (typeof createPartnerRefusals)[number]>> {
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(input.code))
    return invalid(['code'], 'A code is lower-case letters, digits, _ and -.');
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const partner: Partner = {
    id: tx.newId<'Partner'>(),
    code: input.code,
    name,
    currency: input.currency,
    timeZone: input.timeZone,
    prorationBasis: input.prorationBasis ?? 'DAY',
    couponOrder: input.couponOrder ?? 'TARGETED_FIRST',
    version: 1,
    createdAt: tx.now,
  };
  if (!(await tx.partners.insert(partner))) {
    return refuse('CODE_TAKEN', `There is a partner ${input.code} already.`, { path: ['input', 'code'] });
  }
  return done({ partner });
}
