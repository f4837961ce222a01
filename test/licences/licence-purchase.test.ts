import { instant } from '../../src/core/calendar';
import type { Explanation } from '../../src/core/explain';
import type { Id } from '../../src/core/ids';
import { money, zero } from '../../src/core/money';
import {
  checkoutLine,
  type LicencePurchase,
  type PaidCheckout,
  paymentProblem,
  seatsBackFor,
} from '../../src/licences/licence-purchase';

const own = { tenantId: 'tenant_a', purchaseId: 'licencepurchase_a' };
const purchase: LicencePurchase = {
  id: 'purchase' as Id<'LicencePurchase'>,
  tenantId: 'a' as Id<'Tenant'>,
  partnerId: 'p' as Id<'Partner'>,
  productId: 'product' as Id<'LicenceProduct'>,
  ...{ kind: 'CO_TERMED', quantity: 3n, yearly: money(20_000n, 'USD'), amount: money(29_589n, 'USD') },
  ...{ explanation: {} as Explanation, autoRenew: false, buyerId: 'buyer', status: 'OPEN' },
  ...{ provider: 'PADDLE', checkoutId: 'txn_1', payableUntil: instant('2026-01-08T00:00:00Z') },
  ...{ createdAt: instant('2026-01-01T00:00:00Z'), refunded: zero('USD'), seatsRefunded: 0n },
};
const paid: PaidCheckout = {
  ...{ provider: 'PADDLE', checkoutId: 'txn_1', paid: money(29_589n, 'USD'), quantity: 3n },
  paidAt: instant('2026-01-02T00:00:00Z'),
  ...{ namedTenantId: 'tenant_a', namedPurchaseId: 'licencepurchase_a' },
};

test('a checkout sells seats where the amount divides by them, else all of them as one', () => {
  // 295.89 / 3 = 98.63
  expect(checkoutLine(purchase)).toEqual({ unitAmount: money(9_863n, 'USD'), quantity: 3n });
  expect(checkoutLine({ amount: money(29_590n, 'USD'), quantity: 3n })).toEqual({
    unitAmount: money(29_590n, 'USD'),
    quantity: 1n,
  });
});

test.each([
  ['as it was made', {}, undefined],
  ['names nobody', { namedTenantId: undefined, namedPurchaseId: undefined }, undefined],
  ['another tenant', { namedTenantId: 'tenant_b' }, 'TENANT_DIFFERS'],
  ['another purchase', { namedPurchaseId: 'licencepurchase_b' }, 'CHECKOUT_DIFFERS'],
  ['another checkout', { checkoutId: 'txn_2' }, 'CHECKOUT_DIFFERS'],
  ['another provider', { provider: 'STRIPE' }, 'CHECKOUT_DIFFERS'],
  ['another currency', { paid: money(29_589n, 'EUR') }, 'CURRENCY_DIFFERS'],
  ['a currency nobody knows', { paid: undefined }, 'CURRENCY_DIFFERS'],
  ['a cent less', { paid: money(29_588n, 'USD') }, 'AMOUNT_DIFFERS'],
  ['a cent more', { paid: money(29_590n, 'USD') }, 'AMOUNT_DIFFERS'],
  ['999', { quantity: 999n }, 'QUANTITY_DIFFERS'],
  ['a week later', { paidAt: instant('2026-01-08T00:00:00.001Z') }, 'INTENT_EXPIRED'],
] as const)('paid %s', (_what, other, reason) => {
  expect(paymentProblem(purchase, own, { ...paid, ...other })?.reason).toBe(reason);
});

test.each([
  // 295.89 / 3 = 98.63 a seat; whole seats only.
  [0n, 0n],
  [9_862n, 0n],
  [9_863n, 1n],
  [19_725n, 1n],
  [19_726n, 2n],
  [29_588n, 2n],
  [29_589n, 3n],
  [99_999n, 3n],
])('%s cents of 295.89 for 3 seats take %s seats back', (refunded, seats) => {
  expect(seatsBackFor(purchase, money(refunded, 'USD'))).toBe(seats);
});
