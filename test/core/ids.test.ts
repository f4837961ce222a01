import fc from 'fast-check';
import { decodeId, encodeId, type IdKind, isTenantKind, isUuid } from '../../src/core/ids';
import { seed } from '../support/arbitraries';

const uuid = '0190b3a1-7c4e-7d21-8f00-3a5b6c7d8e9f';
const tenantUuid = '0190b3a0-0000-7000-8000-000000000001';
const outer = '01j2stk73h7e4qzem1k6jtw3zk'.replace(/./g, '0');

const kinds: readonly IdKind[] = [
  ...(['Partner', 'User', 'ApiKey', 'Feature', 'Plan', 'PlanVersion', 'PlanPrice', 'Addon'] as const),
  ...(['Coupon', 'Meter', 'TaxRate', 'Tenant', 'Subscription', 'SubscriptionItem', 'SubscriptionChange'] as const),
  ...(['AddonSubscription', 'PendingCoupon', 'CouponRedemption', 'EntitlementGrant', 'Proration'] as const),
  ...(['Invoice', 'InvoiceLine', 'CreditNote', 'CreditNoteLine', 'BalanceEntry'] as const),
];

describe('ids', () => {
  test.each(kinds)('%s: what is encoded is decoded again', (kind) => {
    const text = encodeId(kind, uuid, tenantUuid);
    expect(text).toMatch(/^[a-z]{3,16}_[0-9a-hjkmnp-tv-z]{26,52}$/);
    expect(decodeId(text)).toEqual(isTenantKind(kind) ? { kind, uuid, tenantUuid } : { kind, uuid });
  });

  test('every kind has a prefix of its own', () => {
    const prefixes = kinds.map((kind) => encodeId(kind, uuid, tenantUuid).split('_')[0]);
    expect(new Set(prefixes).size).toBe(kinds.length);
  });

  test('every UUID, the first and the last too', () => {
    const anyUuid = fc.oneof(
      fc.uuid(),
      fc.constantFrom('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    );
    fc.assert(
      fc.property(anyUuid, anyUuid, (one, other) => {
        expect(decodeId(encodeId('Plan', one))).toEqual({ kind: 'Plan', uuid: one });
        expect(decodeId(encodeId('Invoice', one, other))).toEqual({ kind: 'Invoice', uuid: one, tenantUuid: other });
      }),
      { seed, numRuns: 1_000 },
    );
  });

  test('the order of ids is the order of their UUIDs', () => {
    const earlier = encodeId('Plan', '0190b3a0-0000-7000-8000-000000000001');
    const later = encodeId('Plan', '0190b3a0-0001-7000-8000-000000000000');
    expect(earlier < later).toBe(true);
  });

  test('a tenant’s row cannot be named without its tenant', () => {
    expect(() => encodeId('Invoice', uuid)).toThrow(RangeError);
  });

  const good = encodeId('Plan', uuid);
  const row = encodeId('Invoice', uuid, tenantUuid);
  test.each([
    ['nothing', ''],
    ['no prefix', good.slice('plan_'.length)],
    ['a prefix only', 'plan_'],
    ['an unknown prefix', good.replace('plan', 'plane')],
    ['a property name as prefix', good.replace('plan', 'constructor')],
    ['upper case', good.toUpperCase()],
    ['a character short', good.slice(0, -1)],
    ['a character long', `${good}0`],
    ['a letter that is not in the alphabet', `${good.slice(0, -1)}u`],
    ['the letter o for a zero', good.replace(/0/, 'o')],
    ['more than 128 bits: a second spelling of an id', `plan_8${outer.slice(1)}`],
    ['a partner’s kind with a tenant', `plan_${row.slice('invoice_'.length)}`],
    ['a tenant’s kind without a tenant', good.replace('plan', 'invoice')],
    ['a bare UUID', uuid],
    ['a line break after it', `${good}\n`],
    ['a space before it', ` ${good}`],
    ['a NUL byte', `${good.slice(0, -1)}\u0000`],
    ['SQL', "plan_' or '1'='1"],
    ['a megabyte', `plan_${'0'.repeat(1_000_000)}`],
  ])('%s is no id', (_name, text) => {
    expect(decodeId(text)).toBeUndefined();
  });

  test('the first spelling of the highest 128-bit number is one', () => {
    expect(decodeId(`plan_7${outer.slice(1)}`)).toBeDefined();
  });

  test('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(decodeId(text)).toBeUndefined();
        expect(decodeId(`plan_${text}`)).toBeUndefined();
      }),
      { seed, numRuns: 1_000 },
    );
  });

  test('UUIDs are lower case and whole', () => {
    expect(isUuid(uuid)).toBe(true);
    for (const text of [uuid.toUpperCase(), uuid.slice(1), `${uuid}\n`, '', `{${uuid}}`])
      expect(isUuid(text)).toBe(false);
  });
});
