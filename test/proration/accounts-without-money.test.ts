import type { Money } from '../../src/core/money';
import type { AccountEntry } from '../../src/invoicing/invoice';
import { accountsWithoutMoney } from '../../src/proration/carry-over';
import { decidePlanChange, type PlanChangeInput } from '../../src/proration/plan-change';
import {
  accountAfter,
  changeOf,
  chargedWhole,
  eur,
  itemAfter,
  noon,
  percentOff,
  someAddon,
  someAttachment,
  someVersion,
  textOf,
} from '../support/arbitraries';

function decide(input: PlanChangeInput) {
  const decided = decidePlanChange(input);
  if (!decided.ok) throw new Error(decided.refusal.code);
  return decided.value;
}

const entriesOf = (entries: readonly AccountEntry[]) =>
  entries.map(({ itemId, kind, amount }) => `${itemId} ${kind} ${textOf(amount)}`);
const total = (entries: readonly AccountEntry[]) => entries.reduce((sum, entry) => sum + entry.amount.minor, 0n);

describe('a change for which no money moves', () => {
  const up = changeOf(chargedWhole(eur('19.00')), { unitAmount: eur('49.00') });
  const upEntries = accountsWithoutMoney(decide(up), 'EUR');

  test('waived upgrade: what was paid for the rest of the old plan is carried to the new one', () => {
    expect(entriesOf(upEntries)).toEqual([
      'old-item CREDIT -6.74', // 19.00 × 11/31
      'new-item CHARGE 17.39', // 49.00 × 11/31
      'new-item WAIVED -10.65', // 17.39 − 6.74
    ]);
    expect(total(upEntries)).toBe(0n);
    expect(upEntries.every(({ lineIndex }) => lineIndex === undefined)).toBe(true);
  });

  test('a later change credits what the tenant really paid, not the price', () => {
    const item = itemAfter(up, decide(up), upEntries);
    expect(textOf(item.charged)).toBe('6.74');
    const later = decide(changeOf(item, { unitAmount: eur('19.00') }, { at: noon('2026-01-27') })); // 5 days left
    expect(textOf(later.unusedCredit)).toBe('3.06'); // 49.00 × 5/31 − 10.65 × 5/11 = 7.9032 − 4.8409 = 3.0623 → 3.06
  });

  test('waived, and back at the same instant: nothing is due and nothing is given', () => {
    const back = decide(changeOf(itemAfter(up, decide(up), upEntries), { unitAmount: eur('19.00') }));
    expect(textOf(back.net)).toBe('0.00'); // 6.74 − 6.74
  });

  test('waived upgrade with a coupon: coupon and waiver together are not charged', () => {
    const input = changeOf(
      chargedWhole(eur('19.00')),
      { unitAmount: eur('49.00') },
      { coupons: [{ coupon: percentOff('20'), running: false }] },
    );
    expect(entriesOf(accountsWithoutMoney(decide(input), 'EUR'))).toEqual([
      'old-item CREDIT -6.74',
      'new-item CHARGE 17.39',
      'new-item WAIVED -10.65', // 3.48 of it by the coupon
    ]);
  });

  test('a surplus that the caller does not settle stays with the old item', () => {
    const down = changeOf(chargedWhole(eur('49.00')), { unitAmount: eur('19.00') });
    expect(entriesOf(accountsWithoutMoney(decide(down), 'EUR'))).toEqual([
      'old-item CREDIT -6.74', // as much as the new plan costs, of 17.39
      'new-item CHARGE 6.74',
    ]);
  });

  test('an even change moves the accounts all the same', () => {
    const even = changeOf(chargedWhole(eur('19.00')), { unitAmount: eur('19.00') });
    expect(entriesOf(accountsWithoutMoney(decide(even), 'EUR'))).toEqual([
      'old-item CREDIT -6.74',
      'new-item CHARGE 6.74',
    ]);
  });

  test('nothing was paid: the whole charge is waived', () => {
    const fromFree = changeOf(chargedWhole(eur('0.00')), { unitAmount: eur('49.00') });
    expect(entriesOf(accountsWithoutMoney(decide(fromFree), 'EUR'))).toEqual([
      'new-item CHARGE 17.39',
      'new-item WAIVED -17.39',
    ]);
  });

  test('with attachments: spread over what gives and what takes, to the cent', () => {
    const kept = someAddon({ code: 'kept' });
    const ends = someAddon({ code: 'ends' });
    const attach = (addon: typeof kept, unitAmount: Money) => {
      const attachment = someAttachment(addon, unitAmount);
      return { attachment, addon, charged: chargedWhole(unitAmount, { itemId: attachment.id, kind: 'ADDON' }) };
    };
    const input = changeOf(
      chargedWhole(eur('10.00')),
      { unitAmount: eur('100.00') },
      {
        anchor: 'RESET',
        version: someVersion({ includedAddonIds: [ends.id] }),
        attachments: [attach(kept, eur('10.00')), attach(ends, eur('10.00'))],
      },
    );
    const entries = accountsWithoutMoney(decide(input), 'EUR');
    expect(entriesOf(entries)).toEqual([
      'old-item CREDIT -3.55', // 10.00 × 11/31 = 3.5484 → 3.55, three times: 10.65
      'attachment-kept CREDIT -3.55',
      'attachment-ends CREDIT -3.55',
      'new-item CHARGE 100.00',
      'new-item WAIVED -90.32', // 10.65 × 100/110 = 9.6818 → 9.68 is carried over
      'attachment-kept CHARGE 10.00',
      'attachment-kept WAIVED -9.03', // 10.65 × 10/110 = 0.9682 → 0.97
    ]);
    expect(total(entries)).toBe(0n);
    // The kept attachment gave in its old period and received in the new one: two accounts.
    const periods = new Set(
      entries.filter(({ itemId }) => itemId === 'attachment-kept').map(({ period }) => period.start.toString()),
    );
    expect(periods.size).toBe(2);
    expect(textOf(accountAfter('new-item', 'EUR', entries).charged)).toBe('9.68');
  });
});
