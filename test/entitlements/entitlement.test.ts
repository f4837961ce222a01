import fc from 'fast-check';
import type { Feature, FeatureKind, ResetPeriod } from '../../src/catalog/feature';
import { instant } from '../../src/core/calendar';
import { decimal, decimalText } from '../../src/core/decimal';
import {
  type EntitlementGrant,
  type EntitlementSource,
  type EntitlementSourceKind,
  entitlementSources,
  type GateReason,
  gate,
  inDrawOrder,
  isActiveAt,
  limitOf,
  mergeEntitlement,
  type PlanPhase,
  resetPeriodClash,
  sourceContent,
  sourceKey,
} from '../../src/entitlements/entitlement';
import { type StoredSource, sourceChanges } from '../../src/entitlements/entitlement-history';
import { id, seed, someAddon, someFeature } from '../support/arbitraries';

const day = (number: number) => instant(`2026-01-${String(number).padStart(2, '0')}T00:00:00Z`);

type SourceChange = Partial<Omit<EntitlementSource, 'limit'>> & { readonly limit?: string };

function source(sourceKind: EntitlementSourceKind, { limit, ...change }: SourceChange = {}): EntitlementSource {
  const sourceId = change.sourceId ?? sourceKind.toLowerCase();
  return {
    featureId: id<'Feature'>('calls'),
    featureCode: 'calls',
    kind: 'METERED',
    sourceKind,
    sourceName: sourceId,
    catalogId: `catalog-${sourceId}`,
    quantity: 1n,
    unlimited: false,
    limit: limit === undefined ? undefined : decimal(limit),
    resetPeriod: 'MONTH',
    startsAt: day(1),
    ...change,
    sourceId,
  };
}

const flag = (sourceKind: EntitlementSourceKind) => source(sourceKind, { kind: 'BOOLEAN', resetPeriod: undefined });
const config = (sourceKind: EntitlementSourceKind, value: string, sourceId?: string) =>
  source(sourceKind, { kind: 'CONFIG', resetPeriod: undefined, value, ...(sourceId ? { sourceId } : {}) });

describe('merging what several sources give', () => {
  test('no source, no entitlement', () => expect(mergeEntitlement([], [])).toBeUndefined());

  test('boolean: any', () => {
    expect(mergeEntitlement([flag('ADDON')], [])).toMatchObject({
      unlimited: false,
      sources: [{ sourceKind: 'ADDON' }],
    });
    expect(mergeEntitlement([flag('GRANT'), flag('PLAN')], [])!.sources).toHaveLength(2);
  });

  test.each<[string, EntitlementSource[], string | undefined, boolean]>([
    ['one', [source('PLAN', { limit: '1000' })], '1000', false],
    ['S003’s example', [source('PLAN', { limit: '1000' }), source('ADDON', { limit: '500' })], '1500', false], // 1000 + 500
    ['× quantity', [source('PLAN', { limit: '1000' }), source('ADDON', { limit: '500', quantity: 3n })], '2500', false], // 1000 + 500 × 3
    ['decimals', [source('PLAN', { limit: '0.1' }), source('ADDON', { limit: '0.2' })], '0.3', false], // not 0.30000000000000004
    ['a limit of 0', [source('PLAN', { limit: '0' }), source('GRANT', { limit: '5' })], '5', false],
    [
      'large numbers to the last digit',
      [source('PLAN', { limit: '9007199254740992' }), source('ADDON', { limit: '0.000000000001' })],
      '9007199254740992.000000000001',
      false,
    ],
    ['unlimited wins', [source('PLAN', { limit: '1000' }), source('ADDON', { unlimited: true })], undefined, true],
    [
      'unlimited wins, first too',
      [source('PLAN', { unlimited: true }), source('ADDON', { limit: '5' })],
      undefined,
      true,
    ],
  ])('metered: %s', (_name, sources, limit, unlimited) => {
    const merged = mergeEntitlement(sources, [])!;
    expect(merged.unlimited).toBe(unlimited);
    expect(merged.limit && decimalText(merged.limit)).toBe(limit);
    expect(merged.resetPeriod).toBe('MONTH');
  });

  test.each<[string, string[], string[], string]>([
    ['the largest number', ['9', '10', '1'], [], '10'], // as text, 9 would be the largest
    ['negative numbers', ['-5', '-4.5'], [], '-4.5'],
    ['equal numbers: the first source’s spelling', ['10', '10.0'], [], '10'],
    ['one', ['7'], [], '7'],
    ['the feature’s own order', ['gold', 'silver', 'bronze'], ['bronze', 'silver', 'gold'], 'gold'],
    ['the feature’s own order of numbers', ['100', '10'], ['100', '10'], '10'],
    ['a value that is no longer in the order is the weakest', ['platinum', 'bronze'], ['bronze', 'silver'], 'bronze'],
  ])('config: %s', (_name, values, order, strongest) => {
    const sources = values.map((value, index) => config('ADDON', value, `addon${index}`));
    expect(mergeEntitlement(sources, order)!.value).toBe(strongest);
  });

  test('whatever order the sources come in, the answer is the same', () => {
    const sources = [
      source('PLAN', { limit: '10' }),
      source('ADDON', { limit: '20', sourceId: 'a', startsAt: day(2) }),
      source('ADDON', { limit: '30', sourceId: 'b', startsAt: day(2) }),
      source('GRANT', { limit: '40', sourceId: 'c', endsAt: day(20) }),
      source('GRANT', { limit: '50', sourceId: 'd' }),
    ];
    const expected = mergeEntitlement(sources, []);
    fc.assert(
      fc.property(fc.shuffledSubarray(sources, { minLength: sources.length }), (shuffled) => {
        expect(mergeEntitlement(shuffled, [])).toEqual(expected);
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('the order in which usage is drawn', () => {
  test('plan, attachments by start, grants by expiry', () => {
    const sources = [
      source('GRANT', { sourceId: 'grant-forever' }),
      source('GRANT', { sourceId: 'grant-late', endsAt: day(30), startsAt: day(1) }),
      source('ADDON', { sourceId: 'addon-late', startsAt: day(9) }),
      source('GRANT', { sourceId: 'grant-soon', endsAt: day(10), startsAt: day(5) }),
      source('ADDON', { sourceId: 'addon-early', startsAt: day(3) }),
      source('PLAN', { sourceId: 'plan', startsAt: day(20) }),
    ];
    const before = [...sources];
    expect(inDrawOrder(sources).map(({ sourceId }) => sourceId)).toEqual([
      'plan',
      'addon-early',
      'addon-late',
      'grant-soon',
      'grant-late',
      'grant-forever',
    ]);
    expect(sources).toEqual(before);
  });
});

describe('when a source holds', () => {
  test.each([
    [day(4), false],
    [day(5), true], // from its start
    [day(9), true],
    [day(10), false], // not at its end
  ])('at %s: %s', (at, active) => expect(isActiveAt({ startsAt: day(5), endsAt: day(10) }, at)).toBe(active));

  test('without an end: for good', () => expect(isActiveAt({ startsAt: day(5) }, day(31))).toBe(true));
});

describe('the gate', () => {
  const limited = (limit: string) => mergeEntitlement([source('PLAN', { limit })], []);
  const unlimited = mergeEntitlement([source('PLAN', { unlimited: true })], []);
  test.each<[string, FeatureKind, Parameters<typeof gate>[1], string, string, boolean, GateReason, string | undefined]>(
    [
      ['nothing gives it', 'METERED', undefined, '0', '1', false, 'NOT_ENTITLED', undefined],
      ['a flag that nothing gives', 'BOOLEAN', undefined, '0', '1', false, 'NOT_ENTITLED', undefined],
      ['a flag', 'BOOLEAN', mergeEntitlement([flag('PLAN')], []), '0', '1', true, 'GRANTED', undefined],
      ['a value', 'CONFIG', mergeEntitlement([config('PLAN', '5')], []), '0', '1', true, 'GRANTED', undefined],
      ['unlimited', 'METERED', unlimited, '1000000', '1000000', true, 'UNLIMITED', undefined],
      ['the first of ten', 'METERED', limited('10'), '0', '1', true, 'WITHIN_LIMIT', '10'],
      ['the last of ten', 'METERED', limited('10'), '9', '1', true, 'WITHIN_LIMIT', '1'],
      ['one after the last', 'METERED', limited('10'), '10', '1', false, 'LIMIT_REACHED', '0'],
      ['two where one is left', 'METERED', limited('10'), '9', '2', false, 'LIMIT_REACHED', '1'],
      ['exactly what is left', 'METERED', limited('10'), '4', '6', true, 'WITHIN_LIMIT', '6'],
      ['a fraction too much', 'METERED', limited('10'), '9.5', '0.500000000001', false, 'LIMIT_REACHED', '0.5'],
      [
        'used beyond the limit: nothing remains, not less',
        'METERED',
        limited('10'),
        '12',
        '1',
        false,
        'LIMIT_REACHED',
        '0',
      ],
      ['a limit of 0', 'METERED', limited('0'), '0', '1', false, 'LIMIT_REACHED', '0'],
    ],
  )('%s', (_name, kind, merged, used, requested, allowed, reason, remaining) => {
    const answer = gate(kind, merged, decimal(used), decimal(requested));
    expect([answer.allowed, answer.reason, answer.remaining && decimalText(answer.remaining)]).toEqual([
      allowed,
      reason,
      remaining,
    ]);
    if (answer.reason === 'WITHIN_LIMIT' || answer.reason === 'LIMIT_REACHED') {
      expect(decimalText(answer.used!)).toBe(used);
      expect(decimalText(answer.limit!)).toBe(decimalText(merged!.limit!));
    }
  });

  test('the limit of a source is its own × quantity', () => {
    expect(decimalText(limitOf({ limit: decimal('0.5'), quantity: 7n }))).toBe('3.5'); // 0.5 × 7
    expect(decimalText(limitOf({ limit: undefined, quantity: 7n }))).toBe('0');
  });
});

describe('sources of one feature start over together', () => {
  const every = (resetPeriod: ResetPeriod, change: SourceChange = {}) =>
    source('ADDON', { limit: '1', sourceId: resetPeriod, resetPeriod, ...change });

  test('monthly and yearly at the same time clash, and both are named', () => {
    const [plan, addon] = [source('PLAN', { limit: '1' }), every('YEAR')];
    expect(resetPeriodClash([plan, addon])).toEqual([plan, addon]);
  });

  test.each<[string, EntitlementSource[]]>([
    ['the same reset period', [source('PLAN', { limit: '1' }), every('MONTH')]],
    ['other features', [every('MONTH'), every('YEAR', { featureId: id<'Feature'>('seats') })]],
    ['one after the other', [every('MONTH', { endsAt: day(10) }), every('YEAR', { startsAt: day(10) })]],
    ['one before the other', [every('YEAR', { startsAt: day(10) }), every('MONTH', { endsAt: day(10) })]],
    ['flags have no reset period', [flag('PLAN'), source('ADDON', { kind: 'BOOLEAN', resetPeriod: 'YEAR' })]],
    ['one source', [every('MONTH')]],
    ['none', []],
  ])('no clash: %s', (_name, sources) => expect(resetPeriodClash(sources)).toBeUndefined());

  test.each<[string, EntitlementSource[]]>([
    [
      'overlapping by a moment',
      [every('MONTH', { endsAt: day(10).add({ milliseconds: 1 }) }), every('YEAR', { startsAt: day(10) })],
    ],
    ['never against monthly', [every('NEVER'), every('MONTH')]],
    ['unlimited against limited', [every('YEAR', { unlimited: true, limit: undefined }), every('MONTH')]],
    [
      'the second and third of three',
      [every('DAY', { endsAt: day(2) }), every('MONTH', { startsAt: day(2) }), every('YEAR', { startsAt: day(3) })],
    ],
  ])('clash: %s', (_name, sources) => expect(resetPeriodClash(sources)).toBeDefined());
});

describe('what the rows should be', () => {
  const calls = someFeature({ code: 'calls', kind: 'METERED', unit: 'calls' });
  const sso = someFeature({ code: 'sso' });
  const features = new Map<string, Feature>([calls, sso].map((feature) => [feature.id, feature]));
  const metered = (limit: string) => ({
    featureId: calls.id,
    unlimited: false,
    limit: decimal(limit),
    resetPeriod: 'MONTH' as const,
  });
  const gives = { featureId: sso.id, unlimited: false };
  const included = someAddon({ code: 'track', name: 'Track', allowances: [metered('500')] });
  const phase: PlanPhase = {
    itemId: 'item',
    planId: 'plan',
    planName: 'Pro',
    allowances: [metered('1000'), gives],
    includedAddons: [included],
    startsAt: day(1),
    endsAt: day(20),
  };
  const attachment = {
    ...{ sourceId: 'attachment', sourceName: 'Extra calls', catalogId: 'addon', quantity: 3n },
    ...{ startsAt: day(5), endsAt: undefined, allowances: [metered('200')] },
  };
  const grant: EntitlementGrant = {
    id: id<'EntitlementGrant'>('grant'),
    tenantId: id<'Tenant'>('tenant'),
    allowance: metered('50'),
    startsAt: day(2),
    endsAt: day(9),
    reason: 'Goodwill',
    createdAt: day(2),
  };
  const build = () => entitlementSources([phase], [attachment], [grant], features);

  test('plan, what the plan includes, attachments × quantity, grants', () => {
    expect(
      build().map((row) => [
        row.featureCode,
        row.sourceKind,
        row.sourceId,
        row.sourceName,
        row.catalogId,
        row.limit ? decimalText(limitOf(row)) : undefined,
        `${row.startsAt} – ${row.endsAt ?? ''}`,
      ]),
    ).toEqual([
      ['calls', 'PLAN', 'item', 'Pro', 'plan', '1000', '2026-01-01T00:00:00Z – 2026-01-20T00:00:00Z'],
      ['sso', 'PLAN', 'item', 'Pro', 'plan', undefined, '2026-01-01T00:00:00Z – 2026-01-20T00:00:00Z'],
      [
        'calls',
        'PLAN',
        'item',
        'Track (included in Pro)',
        'addon-track',
        '500',
        '2026-01-01T00:00:00Z – 2026-01-20T00:00:00Z',
      ],
      ['calls', 'ADDON', 'attachment', 'Extra calls', 'addon', '600', '2026-01-05T00:00:00Z – '], // 200 × 3
      ['calls', 'GRANT', 'grant', 'Goodwill', 'grant', '50', '2026-01-02T00:00:00Z – 2026-01-09T00:00:00Z'],
    ]);
  });

  test('pure: the same again, and nothing that it was given is changed', () => {
    const deepFreeze = <T>(value: T): T => {
      if (Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype) {
        Object.values(Object.freeze(value) as object).forEach(deepFreeze);
      }
      return value;
    };
    deepFreeze([phase, attachment, grant]);
    const [once, again] = [build(), build()];
    expect(again).toEqual(once);
    expect(again.map(sourceKey)).toEqual(once.map(sourceKey));
    expect(again.map(sourceContent)).toEqual(once.map(sourceContent));
  });

  test('a feature that is gone gives nothing', () => {
    expect(entitlementSources([phase], [attachment], [grant], new Map())).toEqual([]);
  });

  test('every row has a key of its own, and its content says whether it is to be written', () => {
    const rows = build();
    expect(new Set(rows.map(sourceKey)).size).toBe(rows.length);
    const [row] = rows;
    for (const change of [
      { quantity: 2n },
      { limit: decimal('1001') },
      { unlimited: true },
      { resetPeriod: 'YEAR' as const },
      { value: 'x' },
      { startsAt: day(2) },
      { endsAt: undefined },
      { sourceName: 'Pro 2' },
    ]) {
      expect(sourceContent({ ...row!, ...change })).not.toBe(sourceContent(row!));
      expect(sourceKey({ ...row!, ...change })).toBe(sourceKey(row!));
    }
    // 1000 and 1000.0 are one limit.
    expect(sourceContent({ ...row!, limit: decimal('1000.0') })).toBe(sourceContent(row!));
  });
});

describe('what a source gave before stays', () => {
  const addon = (limit: string, change: SourceChange = {}) => source('ADDON', { limit, changes: true, ...change });
  const stored = (...sources: EntitlementSource[]): StoredSource[] =>
    sources.map((one, index) => ({ id: `row${index}`, source: one }));
  const said = (one: EntitlementSource) =>
    `${decimalText(one.limit!)} from ${one.startsAt.toString().slice(8, 10)} to ${one.endsAt?.toString().slice(8, 10) ?? 'now on'}`;
  const changes = (rows: readonly StoredSource[], wanted: readonly EntitlementSource[], now = day(10)) => {
    const { inserts, updates, deletes } = sourceChanges(rows, wanted, now);
    return {
      inserts: inserts.map(said),
      updates: updates.map(({ id: row, source: one }) => `${row}: ${said(one)}`),
      deletes: deletes.map(({ id: row }) => row),
    };
  };
  const nothing = { inserts: [], updates: [], deletes: [] };

  test.each<[string, StoredSource[], EntitlementSource[], Partial<ReturnType<typeof changes>>]>([
    ['nothing is out of step', stored(addon('10')), [addon('10')], {}],
    ['a new source begins when it says', [], [addon('10')], { inserts: ['10 from 01 to now on'] }],
    [
      'another limit: the old state ends now',
      stored(addon('10')),
      [addon('20')],
      { updates: ['row0: 10 from 01 to 10'], inserts: ['20 from 10 to now on'] },
    ],
    [
      'the state of now is in step, those before it stay',
      stored(addon('10', { endsAt: day(5) }), addon('20', { startsAt: day(5) })),
      [addon('20')],
      {},
    ],
    [
      'twice at one instant is one state',
      stored(addon('10', { endsAt: day(10) }), addon('20', { startsAt: day(10) })),
      [addon('30')],
      { updates: ['row1: 30 from 10 to now on'] },
    ],
    [
      'an end to come is no other state',
      stored(addon('10')),
      [addon('10', { endsAt: day(31) })],
      { updates: ['row0: 10 from 01 to 31'] },
    ],
    [
      'what has ended keeps what it gave, whatever the catalog says now',
      stored(addon('10')),
      [addon('20', { endsAt: day(9) })],
      { updates: ['row0: 10 from 01 to 09'] },
    ],
    ['what ended before is left alone', stored(addon('10', { endsAt: day(9) })), [addon('20', { endsAt: day(9) })], {}],
    ['a source that is gone ends now', stored(addon('10')), [], { updates: ['row0: 10 from 01 to 10'] }],
    [
      'one that is gone before it began is deleted',
      stored(addon('10', { startsAt: day(10) })),
      [],
      { deletes: ['row0'] },
    ],
    [
      'a feature that an add-on gains is given from now on',
      stored(addon('10')),
      [addon('10'), addon('5', { featureId: id<'Feature'>('seats') })],
      { inserts: ['5 from 10 to now on'] },
    ],
    [
      'a plan’s own limit never changes: it is mended in its place',
      stored(source('PLAN', { limit: '7' })),
      [source('PLAN', { limit: '10' })],
      { updates: ['row0: 10 from 01 to now on'] },
    ],
  ])('%s', (_what, rows, wanted, expected) => {
    expect(changes(rows, wanted)).toEqual({ ...nothing, ...expected });
  });
});
