import fc from 'fast-check';
import { decodeId } from '../../src/core/ids';
import { seed } from '../support/arbitraries';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { type Act, act, addons, begin, gift, type Held, plans, worthOf } from './greedy';

/**
 * The greedy tenant (billing rules §12): whatever it does by itself, with its own key and at whatever times, what it had of access
 * and allowances is worth no more, at list prices less the discounts that it was given, than what it paid or is still asked for.
 * Here the whole gateway is attacked; `test/laws/greedy-money.test.ts` attacks the rules alone, a hundred thousand times.
 * A failure is shrunk and prints its seed. Longer: GREEDY=1000 npx jest test/laws/greedy-tenant
 */
const sequences = Number(process.env.GREEDY ?? 12);
const lanes = 4;
let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls');
  await world.feature('plan', 'BOOLEAN');
  for (const code of Object.keys(addons)) await world.feature(code, 'BOOLEAN');
  const calls = (limit: number) => ({ feature: 'calls', limit: String(limit), resetPeriod: 'MONTH' });
  const euros = (cents: number) => (cents / 100).toFixed(2);
  for (const [code, { month, year, calls: limit }] of Object.entries(plans)) {
    const features = [calls(limit), { feature: 'plan' }];
    await world.plan({ code, rank: month, month: euros(month), year: euros(year), features });
  }
  const { month, year } = plans.small;
  const tried = { code: 'tried', rank: 1, month: euros(month), year: euros(year), trialDays: 10 };
  await world.plan({ ...tried, features: [calls(20), { feature: 'plan' }] });
  for (const [code, { month: price, year: dear, calls: limit }] of Object.entries(addons)) {
    const features = [{ feature: code }, ...(limit > 0 ? [calls(limit)] : [])];
    const requires = code === 'y' ? { requires: ['x'] } : {};
    await world.addon(code, euros(price), { features, ...requires }, euros(dear));
  }
  await world.coupon('HALF', { kind: 'PERCENT', percent: '50' });
  await world.coupon('TEN', {
    kind: 'FIXED',
    amounts: [{ amount: '10', currency: 'EUR' }],
    maxRedemptionsPerTenant: 2,
  });
  await world.coupon('THRICE', { kind: 'PERCENT', percent: '20', duration: 'REPEATING', durationPeriods: 3 });
});
afterAll(() => gateway.stop());

class Greedy {
  private now = begin;
  private serial = 0;
  private attached = new Map<string, string>();
  readonly told: string[] = [];
  coupons = false;

  private constructor(
    readonly tenant: TenantOfWorld,
    private readonly key: { readonly bearer: string },
  ) {}

  static async enter(token: string): Promise<Greedy> {
    const tenant = await world.tenant(new Date(begin).toISOString());
    const input = {
      partnerId: world.partnerId,
      tenantId: tenant.id,
      live: false,
      name: 'own',
      scopes: ['READ', 'WRITE', 'USAGE'],
    };
    const { secret } = await world.act('createApiKey', input, 'secret');
    const given = { feature: 'calls', limit: String(gift), resetPeriod: 'MONTH', reason: 'a gift' };
    await world.act('grantEntitlement', { tenantId: tenant.id, ...given }, 'grant { id }');
    const greedy = new Greedy(tenant, { bearer: secret });
    await greedy.act({ do: 'card', token });
    return greedy;
  }

  private async ask(mutation: string, input: object, fields = 'dryRun', keyed = false) {
    this.serial += 1;
    const name = mutation === 'changePlan' ? 'PlanChange' : mutation[0]!.toUpperCase() + mutation.slice(1);
    const extra = keyed ? `, idempotencyKey: "own-${this.serial}"` : '';
    const answer = await gateway.get(
      this.key,
      `mutation ($input: ${name}Input!) { ${mutation}(input: $input${extra}) {
        ... on ${mutation[0]!.toUpperCase() + mutation.slice(1)}Done { ${fields} } ... on Refused { code message } } }`,
      { input },
    );
    this.told.push(
      `${new Date(this.now).toISOString()} ${mutation} ${JSON.stringify(input)}: ${answer.code ?? 'done'}`,
    );
    return answer;
  }

  async act(act: Act): Promise<unknown> {
    switch (act.do) {
      case 'wait':
        this.now += act.hours * 3_600_000 + 60_000;
        this.told.push(`${new Date(this.now).toISOString()}`);
        return world.act('advanceClock', { tenantId: this.tenant.id, to: new Date(this.now).toISOString() }, 'now');
      case 'start': {
        const { plan: code, interval: unit, quantity: count } = act;
        return this.ask('startSubscription', { plan: code, interval: unit, quantity: count });
      }
      case 'change': {
        const { do: _do, when, ...input } = act;
        return this.ask('changePlan', { ...input, effective: when }, 'dryRun', true);
      }
      case 'attach': {
        const answer = await this.ask(
          'subscribeAddon',
          { addon: act.addon, quantity: act.quantity },
          'addonSubscription { id }',
        );
        if (answer.addonSubscription) this.attached.set(act.addon, answer.addonSubscription.id);
        return;
      }
      case 'detach':
      case 'resize': {
        const addonSubscriptionId = this.attached.get(act.addon);
        if (!addonSubscriptionId) return;
        return act.do === 'resize'
          ? this.ask('changeAddonQuantity', { addonSubscriptionId, quantity: act.quantity })
          : this.ask('cancelAddon', { addonSubscriptionId, reason: 'x', when: act.now ? 'NOW' : 'PERIOD_END' });
      }
      case 'use':
        return this.ask(
          'recordUsage',
          { id: `own-${this.serial}`, type: 'calls', quantity: String(act.calls), enforce: act.enforce },
          'duplicate',
        );
      case 'coupon':
        this.coupons = true;
        return this.ask('applyCoupon', { code: act.code });
      case 'cancel':
        return this.ask('cancelSubscription', { reason: 'x', when: act.now ? 'NOW' : 'PERIOD_END' });
      case 'card':
        return this.ask('addPaymentMethod', { provider: 'FAKE', token: act.token, makeDefault: true }, 'dryRun', true);
      case 'pay': {
        const open = (await this.tenant.invoices()).find(
          ({ status }) => status === 'FINALIZED' || status === 'UNCOLLECTIBLE',
        );
        return open && this.ask('payInvoice', { invoiceId: open.id }, 'dryRun', true);
      }
      case 'undo':
        return this.ask('cancelScheduledPlanChange', {});
    }
  }

  get uuid(): string {
    return decodeId(this.tenant.id)!.uuid;
  }

  /** What it paid or is still asked for, and what of that was given as discounts. In cents. */
  async paid(): Promise<{ paid: number; discounts: number; documents: number }> {
    const [row] = await gateway.database.asOwner<Record<string, string>>(
      `select (select coalesce(sum(amount - refunded), 0) from payments where tenant_id = $1 and status = 'SUCCEEDED')
            - (select coalesce(sum(balance), 0) from credit_balances where tenant_id = $1)
            + (select coalesce(sum(amount_due - credited - paid), 0) from invoices where tenant_id = $1 and status in ('FINALIZED', 'UNCOLLECTIBLE')) as paid,
              (select coalesce(sum(-amount), 0) from item_charges where tenant_id = $1 and kind = 'DISCOUNT') as discounts,
              (select count(*) from item_charges where tenant_id = $1) as documents`,
      [this.uuid],
    );
    return { paid: Number(row!.paid), discounts: Number(row!.discounts), documents: Number(row!.documents) };
  }

  /**
   * What it had, in cents at list prices: of each period that was billed the larger of the time that it had access, by days, and of
   * the calls that it used. Counted by the rows that a check reads, and by events, with arithmetic of its own.
   */
  async had(): Promise<number> {
    const periods = await gateway.database.asOwner<{ subscription: string; began: Date; starts: Date; ends: Date }>(
      `with billed as (
         select i.subscription_id, greatest(i.period_start, s.started_at) as began, i.period_start as starts, i.period_end as ends
           from invoices i join subscriptions s on s.tenant_id = i.tenant_id and s.id = i.subscription_id
          where i.tenant_id = $1 and i.kind = 'PERIOD'
         union select subscription_id, changed_at, new_period_start, new_period_end from plan_change_prorations
                where tenant_id = $1 and new_period_start is not null
       )
       select b.subscription_id as subscription, b.began, b.starts, b.ends from billed b order by 1, 2`,
      [this.uuid],
    );
    const held = await gateway.database.asOwner<
      Pick<Held, 'subscription' | 'code' | 'interval'> & { quantity: string; starts: Date; ends: Date | null }
    >(
      `select i.subscription_id as subscription, p.code, i.quantity::text, i.interval, e.starts_at as starts, e.ends_at as ends
         from tenant_entitlements e join subscription_items i on i.tenant_id = e.tenant_id and i.id = e.source_id
         join plans p on p.id = i.plan_id where e.tenant_id = $1 and e.feature_code = 'plan'
       union all
       select a.subscription_id, o.code, e.quantity::text, a.interval, e.starts_at, e.ends_at
         from tenant_entitlements e join partner_tenant_addon_subscriptions a on a.tenant_id = e.tenant_id and a.id = e.source_id
         join partner_addons o on o.id = a.addon_id where e.tenant_id = $1 and e.feature_code in ('x', 'y')`,
      [this.uuid],
    );
    const events = await gateway.database.asOwner<{ at: Date; quantity: string }>(
      'select happened_at as at, quantity from usage_events where tenant_id = $1',
      [this.uuid],
    );
    return worthOf(
      periods.map(({ subscription, began, starts, ends }) => ({
        subscription,
        from: began.getTime(),
        starts: starts.getTime(),
        ends: ends.getTime(),
      })),
      held.map(({ starts, ends, ...row }) => ({
        ...row,
        quantity: Number(row.quantity),
        starts: starts.getTime(),
        ends: ends?.getTime() ?? Number.POSITIVE_INFINITY,
      })),
      events.map(({ at, quantity }) => ({ at: at.getTime(), calls: Number(quantity) })),
      this.now,
    );
  }
}

test(
  `${sequences} greedy tenants have no more than they pay for (seed ${seed})`,
  async () => {
    const outcomes = { acts: 0, valued: 0 };
    const lane = (number: number) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom('card_ok', 'card_ok', 'card_no_funds'),
          fc.array(act, { minLength: 8, maxLength: 60, size: 'medium' }),
          async (card, acts) => {
            const greedy = await Greedy.enter(card);
            await greedy.act({ do: 'start', plan: 'small', interval: 'MONTH', quantity: 1 });
            for (const one of acts) {
              await greedy.act(one);
              // A sandbox's clock stands still: no two acts of a live tenant happen in one millisecond.
              if (one.do === 'use') await greedy.act({ do: 'wait', hours: 0 });
            }
            outcomes.acts += acts.length;
            const had = await greedy.had();
            const { paid, discounts, documents } = await greedy.paid();
            if (had > 0) outcomes.valued += 1;
            // Each movement was rounded once.
            const most = paid + discounts + documents;
            if (had > most)
              throw new Error(
                `had ${had.toFixed(2)}, paid ${paid} with discounts of ${discounts}\n${greedy.told.join('\n')}`,
              );
          },
        ),
        { numRuns: Math.ceil(sequences / lanes), seed: seed + number, endOnFailure: !process.env.SHRINK },
      );
    const ended = await Promise.allSettled(Array.from({ length: lanes }, (_none, number) => lane(number)));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    const found: object[] = [];
    for (const { name } of await gateway.database.asOwner<{ name: string }>('select app.list_checks() as name')) {
      found.push(...(await gateway.database.asOwner(`select '${name}' as name, * from ${name} limit 3`)));
    }
    expect(found).toEqual([]);
    expect(outcomes.valued).toBeGreaterThan(sequences / 2);
  },
  Math.max(300_000, sequences * 20_000),
);
