import type { Addon } from '../../src/catalog/addon';
import { localDate } from '../../src/core/calendar';
import { type IntervalUnit, periodAt } from '../../src/core/period';
import { addonEndLines, addonStartLines } from '../../src/proration/addon-change';
import type { UnavailableAddonPolicy } from '../../src/proration/judge-attachments';
import { type AttachedAddon, decidePlanChange, type PlanChangeInput } from '../../src/proration/plan-change';
import {
  amountsOf,
  changeOf,
  chargedWhole,
  eur,
  noon,
  periodFrom,
  randomFrom,
  seed,
  shareOf,
  someAddon,
  someAttachment,
  somePlan,
  someVersion,
  textOf,
  utc,
} from '../support/arbitraries';

const price = (interval: IntervalUnit, text: string) => ({ id: `price-${interval}`, interval, amount: eur(text) });
const addon = (change: Partial<Addon> = {}) =>
  someAddon({ code: 'track', name: 'Track', prices: [price('MONTH', '99.00'), price('YEAR', '990.00')], ...change });

/** Attached at 31.00 a month, which the catalog no longer asks for, and charged whole for January. */
function attached(which: Addon, quantity = 1n): AttachedAddon {
  const attachment = someAttachment(which, eur('31.00'), { quantity });
  const charged = chargedWhole(eur('31.00'), { itemId: attachment.id, kind: 'ADDON', name: which.name, quantity });
  return { attachment, addon: which, charged };
}

const pro = somePlan({ code: 'pro', name: 'Pro', rank: 2 });
const starter = somePlan({ code: 'starter', name: 'Starter', rank: 0 });

const decide = (change: Parameters<typeof changeOf>[2], target: Parameters<typeof changeOf>[1]) =>
  decidePlanChange(changeOf(chargedWhole(eur('31.00')), target, change));
const sixtyTwo = { unitAmount: eur('62.00') };

function outcomeOf(change: Parameters<typeof changeOf>[2], target: Parameters<typeof changeOf>[1] = sixtyTwo) {
  const decided = decide(change, target);
  if (!decided.ok) return decided.refusal;
  const [attachment] = decided.value.attachments;
  return {
    outcome: attachment!.outcome,
    credit: textOf(attachment!.credit),
    price: attachment!.price && textOf(attachment!.price.amount),
    lines: amountsOf(decided.value.lines).map(([, text]) => text),
    net: textOf(decided.value.net),
  };
}

// 11 of 31 days are left: the plan's credit is 31 × 11/31 = 11.00, its charge 62 × 11/31 = 22.00.
describe('each attachment is judged again', () => {
  test('still sold with the plan: it goes on, and no money moves for it', () => {
    expect(outcomeOf({ plan: pro, attachments: [attached(addon({ minimumPlanRank: 2 }))] })).toEqual({
      outcome: 'CONTINUES',
      credit: '0.00',
      price: undefined,
      lines: ['-11.00', '22.00'],
      net: '11.00', // 22.00 − 11.00
    });
  });

  test.each([
    ['by name', someVersion({ includedAddonIds: [addon().id] })],
    ['with all others', someVersion({ includesAllAddons: true })],
  ])('included in the new plan %s: it ends, and its unused time comes back', (_name, version) => {
    for (const unavailableAddons of ['CANCEL_AND_CREDIT', 'REFUSE', 'KEEP'] as const) {
      expect(outcomeOf({ plan: pro, version, attachments: [attached(addon())], unavailableAddons })).toEqual({
        outcome: 'ENDS_INCLUDED',
        credit: '11.00', // 31.00 × 11/31
        price: undefined,
        lines: ['-11.00', '-11.00', '22.00'],
        net: '0.00', // 22.00 − 11.00 − 11.00
      });
    }
  });

  const dear = addon({ minimumPlanRank: 1 });
  test('not sold with the new plan, CANCEL_AND_CREDIT: it ends, and its unused time comes back', () => {
    expect(outcomeOf({ plan: starter, attachments: [attached(dear, 3n)] })).toEqual({
      outcome: 'ENDS_NOT_AVAILABLE',
      credit: '33.00', // 31.00 × 3 × 11/31
      price: undefined,
      lines: ['-11.00', '-33.00', '22.00'],
      net: '-22.00', // 22.00 − 11.00 − 33.00
    });
  });

  test('not sold with the new plan, REFUSE: the change is refused and names both', () => {
    expect(outcomeOf({ plan: starter, attachments: [attached(dear)], unavailableAddons: 'REFUSE' })).toMatchObject({
      code: 'ADDON_NOT_AVAILABLE_WITH_PLAN',
      message: 'Track is not available with Starter.',
      facts: [
        { name: 'addon', value: 'track' },
        { name: 'plan', value: 'starter' },
      ],
    });
  });

  test('not sold with the new plan, KEEP: it stays as it is', () => {
    expect(outcomeOf({ plan: starter, attachments: [attached(dear)], unavailableAddons: 'KEEP' })).toEqual({
      outcome: 'KEPT',
      credit: '0.00',
      price: undefined,
      lines: ['-11.00', '22.00'],
      net: '11.00',
    });
  });

  test('the credit is what was effectively paid', () => {
    const half: AttachedAddon = {
      ...attached(dear),
      charged: {
        ...attached(dear).charged,
        discounts: [{ amount: eur('15.50'), share: shareOf(31, 31) }],
        charged: eur('15.50'),
      },
    };
    expect(outcomeOf({ plan: starter, attachments: [half] })).toMatchObject({ credit: '5.50' }); // 15.50 × 11/31
  });

  test('several at once, each with its own outcome', () => {
    const decided = decide(
      {
        plan: pro,
        version: someVersion({ includedAddonIds: [someAddon({ code: 'included' }).id] }),
        attachments: [
          attached(someAddon({ code: 'stays' })),
          attached(someAddon({ code: 'included' })),
          attached(someAddon({ code: 'too-dear', minimumPlanRank: 9 })),
        ],
      },
      sixtyTwo,
    );
    expect(decided.ok && decided.value.attachments.map(({ outcome }) => outcome)).toEqual([
      'CONTINUES',
      'ENDS_INCLUDED',
      'ENDS_NOT_AVAILABLE',
    ]);
    expect(decided.ok && textOf(decided.value.unusedCredit)).toBe('33.00'); // the plan's and two add-ons', 11.00 each
  });
});

describe('a new period prices attachments again', () => {
  const yearly = { unitAmount: eur('620.00'), interval: 'YEAR' as const };

  test('RESET with the same interval: the snapshot price stays', () => {
    expect(outcomeOf({ plan: pro, attachments: [attached(addon())], anchor: 'RESET' })).toEqual({
      outcome: 'REPRICED',
      credit: '11.00',
      price: '31.00', // not the catalog's 99.00
      lines: ['-11.00', '-11.00', '62.00', '31.00'],
      net: '71.00', // 62.00 + 31.00 − 11.00 − 11.00
    });
  });

  test('another interval: the price of that interval', () => {
    expect(outcomeOf({ plan: pro, attachments: [attached(addon(), 2n)] }, yearly)).toEqual({
      outcome: 'REPRICED',
      credit: '22.00', // 31.00 × 2 × 11/31
      price: '990.00',
      lines: ['-11.00', '-22.00', '620.00', '1980.00'], // 990.00 × 2
      net: '2567.00', // 620.00 + 1980.00 − 11.00 − 22.00
    });
  });

  test('another interval without a price: it ends', () => {
    const monthly = addon({ prices: [price('MONTH', '99.00')] });
    expect(outcomeOf({ plan: pro, attachments: [attached(monthly)] }, yearly)).toMatchObject({
      outcome: 'ENDS_NOT_AVAILABLE',
      credit: '11.00',
      lines: ['-11.00', '-11.00', '620.00'],
    });
    expect(
      outcomeOf({ plan: pro, attachments: [attached(monthly)], unavailableAddons: 'REFUSE' }, yearly),
    ).toMatchObject({ code: 'ADDON_NOT_AVAILABLE_WITH_PLAN' });
  });

  test('not sold with the plan but kept: kept at the price of the new interval', () => {
    const dear = addon({ minimumPlanRank: 1 });
    const change = { plan: starter, attachments: [attached(dear)], unavailableAddons: 'KEEP' as const };
    expect(outcomeOf(change, yearly)).toMatchObject({ outcome: 'KEPT', price: '990.00', credit: '11.00' });
  });

  test('at the period’s end nothing is credited or charged, yet the price changes', () => {
    const at = periodFrom('2026-01-01').end;
    expect(outcomeOf({ plan: pro, attachments: [attached(addon())], at }, yearly)).toEqual({
      outcome: 'REPRICED',
      credit: '0.00',
      price: '990.00',
      lines: [],
      net: '0.00',
    });
  });

  test('in a trial too: a year is not sold at the price of a month', () => {
    const trial = {
      trialing: true,
      period: periodAt({ anchor: localDate('2026-02-01'), interval: 'MONTH' as const, zone: utc }, -1),
      anchorDate: localDate('2026-02-01'),
    };
    expect(outcomeOf({ plan: pro, attachments: [attached(addon())], ...trial }, yearly)).toEqual({
      outcome: 'REPRICED',
      credit: '0.00',
      price: '990.00',
      lines: [],
      net: '0.00',
    });
    // With the same interval nothing is priced again.
    expect(outcomeOf({ plan: pro, attachments: [attached(addon())], ...trial })).toMatchObject({
      outcome: 'CONTINUES',
      price: undefined,
    });
  });
});

describe('what hangs together stays together', () => {
  const random = randomFrom(seed);
  const at = noon('2026-01-21');
  const policies: readonly UnavailableAddonPolicy[] = ['CANCEL_AND_CREDIT', 'KEEP'];

  /** Up to seven add-ons, each of which may require earlier ones; those that could be attached together are. */
  function someTree() {
    const addons = Array.from({ length: random.whole(1, 7) }, (_, index) =>
      someAddon({ code: `t${index}`, prices: [price('MONTH', '31.00')] }),
    ).map((one, index, all) => ({
      ...one,
      minimumPlanRank: random.chance(0.4) ? random.whole(0, 3) : undefined,
      status: random.chance(0.1) ? ('ARCHIVED' as const) : ('ACTIVE' as const),
      prices: [price('MONTH', '31.00'), ...(random.chance(0.7) ? [price('YEAR', '310.00')] : [])],
      requiredAddonIds: all
        .slice(0, index)
        .filter(() => random.chance(0.3))
        .map(({ id }) => id),
    }));
    const included = addons.filter(() => random.chance(0.15)).map(({ id }) => id);
    const there: AttachedAddon[] = [];
    for (const one of addons) {
      const isThere = (id: string) =>
        included.includes(id as Addon['id']) || there.some(({ addon }) => addon.id === id);
      if (!included.includes(one.id) && random.chance(0.8) && one.requiredAddonIds.every(isThere))
        there.push(attached(one));
    }
    return { addons, there };
  }

  test('after any change, whatever lives has all that it requires, and no more ended than had to', () => {
    for (let run = 0; run < 5_000; run += 1) {
      const { addons, there } = someTree();
      const cancelled = random.chance(0.3) ? random.pick(there)?.attachment.id : undefined;
      const attachments = there.map((one) =>
        one.attachment.id === cancelled
          ? { ...one, attachment: { ...one.attachment, endsAt: periodFrom('2026-01-01').end } }
          : one,
      );
      const target = somePlan({ code: 'target', rank: random.whole(0, 3) });
      const version = someVersion({
        includesAllAddons: random.chance(0.1),
        includedAddonIds: addons.filter(() => random.chance(0.2)).map(({ id }) => id),
      });
      const interval = random.pick<IntervalUnit>(['MONTH', 'YEAR']);
      const decided = decide(
        {
          ...{ at, plan: target, version, attachments, requiredAddons: addons },
          anchor: random.pick(['KEEP', 'RESET'] as const),
          unavailableAddons: random.pick(policies),
        },
        { ...sixtyTwo, interval },
      );
      if (!decided.ok) throw new Error(decided.refusal.code);
      const { attachments: outcomes, lines } = decided.value;
      const goesOn = outcomes.filter(({ outcome }) => !outcome.startsWith('ENDS'));
      const has = (id: string) =>
        goesOn.some(({ addon }) => addon.id === id) ||
        version.includedAddonIds.includes(id as Addon['id']) ||
        (version.includesAllAddons && addons.find((one) => one.id === id)!.status === 'ACTIVE');
      for (const { addon } of goesOn) expect(addon.requiredAddonIds.filter((id) => !has(id))).toEqual([]);
      for (const { addon, outcome, attachment, credit } of outcomes) {
        if (outcome === 'ENDS_REQUIREMENT_MISSING') {
          expect(addon.requiredAddonIds.some((id) => !has(id))).toBe(true);
          // It is in the lines: 31.00 × 11/31 comes back, and nothing is charged for it.
          expect(textOf(credit)).toBe('11.00');
          expect(lines.filter(({ source }) => source.id === attachment.id).map(({ kind }) => kind)).toEqual([
            'PRORATION_CREDIT',
          ]);
        }
      }
    }
  });
});

test.each<[UnavailableAddonPolicy]>([['CANCEL_AND_CREDIT'], ['REFUSE'], ['KEEP']])(
  'without attachments the policy %s changes nothing',
  (unavailableAddons) => {
    const input: PlanChangeInput = changeOf(chargedWhole(eur('31.00')), sixtyTwo, { unavailableAddons });
    const decided = decidePlanChange(input);
    expect(decided.ok && [textOf(decided.value.net), decided.value.attachments]).toEqual(['11.00', []]);
  },
);

describe('an add-on by itself', () => {
  const moment = {
    at: noon('2026-01-21'),
    basis: 'DAY' as const,
    timeZone: utc,
    period: periodFrom('2026-01-01'),
    trialing: false,
  };
  const item = { itemId: 'attachment', name: 'Track', unitAmount: eur('49.00'), quantity: 2n };
  const charged = chargedWhole(eur('49.00'), { itemId: 'attachment', kind: 'ADDON', quantity: 2n });

  test('subscribed mid-period: the prorated rest at once', () => {
    const [line] = addonStartLines(moment, item);
    expect(textOf(line!.amount)).toBe('34.77'); // 49.00 × 2 × 11/31 = 34.7742 → 34.77
    expect(line).toMatchObject({ kind: 'PRORATION_CHARGE', source: { kind: 'ADDON', id: 'attachment' } });
    expect(line!.covers.start).toEqual(moment.at);
  });

  test('cancelled at once: the unused, effectively paid part', () => {
    expect(amountsOf(addonEndLines(moment, charged))).toEqual([['PRORATION_CREDIT', '-34.77']]); // 98.00 × 11/31
    const paidHalf = {
      ...charged,
      discounts: [{ amount: eur('49.00'), share: shareOf(31, 31) }],
      charged: eur('49.00'),
    };
    expect(amountsOf(addonEndLines(moment, paidHalf))).toEqual([['PRORATION_CREDIT', '-17.39']]); // 49.00 × 11/31
  });

  test('subscribed and cancelled at the same instant: nothing remains', () => {
    const [start] = addonStartLines(moment, item);
    const end = addonEndLines(moment, { ...charged, charged: start!.amount });
    expect(end[0]!.amount.minor).toBe(-start!.amount.minor);
  });

  test('nothing was paid: no line', () => {
    expect(addonEndLines(moment, { ...charged, charged: eur('0.00') })).toEqual([]);
  });

  test.each([
    ['in a trial', { ...moment, trialing: true }],
    ['at the period’s end', { ...moment, at: moment.period.end }],
    ['where nothing is prorated', { ...moment, basis: 'NONE' as const }],
  ])('%s nothing is charged and nothing credited', (_name, when) => {
    expect(addonStartLines(when, item)).toEqual([]);
    expect(addonEndLines(when, charged)).toEqual([]);
  });
});
