import type { Actor } from '../access/actor';
import { createPartner } from '../access/create-partner.command';
import { createTenant } from '../access/create-tenant.command';
import { inviteUser } from '../access/invite-user.command';
import type { App, Scope } from '../app';
import type { AllowanceInput } from '../catalog/allowance-input';
import { createAddon } from '../catalog/create-addon.command';
import { createFeature } from '../catalog/create-feature.command';
import { createPlan } from '../catalog/create-plan.command';
import type { ResetPeriod } from '../catalog/feature';
import type { PriceInput } from '../catalog/price-input';
import { instant, type TimeZone, timeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { decimal } from '../core/decimal';
import { encodeId } from '../core/ids';
import type { Result } from '../core/result';
import { createCoupon } from '../coupons/create-coupon.command';
import { createLicenceProduct } from '../licences/create-licence-product.command';
import { startSubscription } from '../subscriptions/start-subscription.command';
import type { Tx } from '../tx';
import { type DemoIdentity, demoEmail } from './identities';

/**
 * A small coherent world in the sandbox, built through the same commands that the API calls, each under an idempotency
 * key: seeding an existing world changes nothing, and one that was cut off is finished.
 */
export async function seedDemo(app: App, superAdminId: string, step: (what: string) => void): Promise<void> {
  const actor: Actor = { principalId: superAdminId, account: { kind: 'PLATFORM' }, role: 'SUPER_ADMIN' };
  const partner = (partnerId: string): Scope => ({ kind: 'PARTNER', partnerId });
  const tenant = (tenantId: string): Scope => ({ kind: 'TENANT', tenantId });

  async function act<T>(key: string, scope: Scope, command: (tx: Tx) => Promise<Result<T, string>>): Promise<T> {
    const permission =
      scope.kind === 'PLATFORM' ? 'PLATFORM' : scope.kind === 'PARTNER' ? 'PARTNER_WRITE' : 'TENANT_WRITE';
    const request = {
      mutation: 'seedDemo',
      permission,
      scope,
      input: {},
      idempotencyKey: `demo:${key.replaceAll(' ', '-')}`,
    } as const;
    const outcome = await app.write(actor, request, command);
    if (!outcome.ok) throw new Error(`seeding ${key}: ${outcome.refusal.code}: ${outcome.refusal.message}`);
    if (!outcome.replayed) step(key);
    return outcome.value;
  }

  async function makePartner(code: string, name: string, currency: CurrencyCode, zone: TimeZone) {
    const { partner: made } = await act(code, { kind: 'PLATFORM' }, (tx) =>
      createPartner(tx, { code, name, currency, timeZone: zone }),
    );
    return encodeId('Partner', made.id);
  }

  const invite = (scope: Scope, identity: DemoIdentity, role: 'OWNER' | 'VIEWER' | 'ADMIN' | 'MEMBER') =>
    act(`invite ${identity}`, scope, (tx) =>
      inviteUser(tx, scope.kind === 'TENANT' ? tx.tenant.id : undefined, {
        email: demoEmail(identity),
        name: identity,
        ...(role === 'OWNER' || role === 'VIEWER' ? { partnerRole: role } : { tenantRole: role }),
      }),
    );

  const monthly = (amount: string, currency: CurrencyCode): PriceInput => ({
    interval: 'MONTH',
    price: { amount, currency },
  });
  const yearly = (amount: string, currency: CurrencyCode): PriceInput => ({
    interval: 'YEAR',
    price: { amount, currency },
  });
  const metered = (feature: string, limit: string, resetPeriod: ResetPeriod = 'MONTH'): AllowanceInput => ({
    feature,
    limit: decimal(limit),
    resetPeriod,
  });
  const flag = (feature: string): AllowanceInput => ({ feature });
  const configured = (feature: string, value: string): AllowanceInput => ({ feature, value });

  // acme: the catalog of the operator tracks, in EUR.
  const acme = await makePartner('acme', 'Acme Compliance', 'EUR', timeZone('Europe/Berlin'));
  await invite(partner(acme), 'partner-owner', 'OWNER');
  await invite(partner(acme), 'partner-viewer', 'VIEWER');
  const acmeFeatures = [
    { code: 'ai_systems', name: 'AI systems in the register', kind: 'METERED', unit: 'systems' },
    { code: 'api_calls', name: 'API calls', kind: 'METERED', unit: 'calls' },
    { code: 'support', name: 'Support', kind: 'CONFIG', valueOrder: ['community', 'email', 'priority', 'dedicated'] },
    { code: 'importer_distributor', name: 'Importer and distributor track', kind: 'BOOLEAN' },
    { code: 'provider_track', name: 'Provider track', kind: 'BOOLEAN' },
    { code: 'provider_assurance', name: 'Provider assurance', kind: 'BOOLEAN' },
  ] as const;
  for (const feature of acmeFeatures) {
    await act(`acme feature ${feature.code}`, partner(acme), (tx) => createFeature(tx, feature));
  }
  // Annual at ten months.
  const acmePlans = [
    { code: 'free', name: 'Free', rank: 0, month: '0', year: '0', systems: '1', calls: '100', support: 'community' },
    {
      code: 'starter',
      name: 'Starter',
      rank: 10,
      month: '49',
      year: '490',
      systems: '5',
      calls: '1000',
      support: 'email',
    },
    {
      code: 'growth',
      name: 'Growth',
      rank: 20,
      month: '149',
      year: '1490',
      systems: '25',
      calls: '10000',
      support: 'email',
    },
    {
      code: 'pro',
      name: 'Pro',
      rank: 30,
      month: '399',
      year: '3990',
      systems: '100',
      calls: '100000',
      support: 'priority',
    },
    {
      code: 'enterprise',
      name: 'Enterprise',
      rank: 40,
      month: '1499',
      year: '14990',
      systems: undefined,
      calls: '1000000',
      support: 'dedicated',
    },
  ] as const;
  for (const { code, name, rank, month, year, systems, calls, support } of acmePlans) {
    await act(`acme plan ${code}`, partner(acme), (tx) =>
      createPlan(tx, {
        ...{ code, name, rank },
        prices: [monthly(month, 'EUR'), yearly(year, 'EUR')],
        features: [
          systems
            ? metered('ai_systems', systems, 'NEVER')
            : { feature: 'ai_systems', unlimited: true, resetPeriod: 'NEVER' },
          metered('api_calls', calls),
          configured('support', support),
        ],
        includesAllAddons: code === 'enterprise',
      }),
    );
  }
  const acmeAddons = [
    {
      code: 'importer_distributor',
      name: 'Importer & Distributor',
      minimumPlan: 'starter',
      month: '149',
      year: '1490',
    },
    { code: 'provider_track', name: 'Provider Track', minimumPlan: 'growth', month: '499', year: '4990' },
    { code: 'provider_assurance', name: 'Provider Assurance', minimumPlan: 'pro', month: '899', year: '8990' },
  ] as const;
  for (const { code, name, minimumPlan, month, year } of acmeAddons) {
    await act(`acme add-on ${code}`, partner(acme), (tx) =>
      createAddon(tx, {
        ...{ code, name, minimumPlan },
        prices: [monthly(month, 'EUR'), yearly(year, 'EUR')],
        features: [flag(code)],
      }),
    );
  }
  await act('acme coupon WELCOME10', partner(acme), (tx) =>
    createCoupon(tx, {
      code: 'WELCOME10',
      name: 'Welcome',
      kind: 'FIXED',
      amounts: [{ amount: '10.00', currency: 'EUR' }],
      duration: 'ONCE',
    }),
  );

  // umbrella: two plans in USD, and the plan change of the README.
  const umbrella = await makePartner('umbrella', 'Umbrella Software', 'USD', timeZone('America/New_York'));
  await invite(partner(umbrella), 'other-partner-owner', 'OWNER');
  for (const feature of [
    { code: 'projects', name: 'Projects', kind: 'METERED', unit: 'projects' },
    { code: 'priority_support', name: 'Priority support', kind: 'BOOLEAN' },
  ] as const) {
    await act(`umbrella feature ${feature.code}`, partner(umbrella), (tx) => createFeature(tx, feature));
  }
  for (const { code, name, rank, month, year, projects, priority } of [
    { code: 'free', name: 'Free', rank: 0, month: '0', year: '0', projects: '1', priority: false },
    { code: 'pro', name: 'Pro', rank: 10, month: '19', year: '228', projects: '10', priority: false },
    { code: 'pro_max', name: 'Pro Max', rank: 20, month: '49', year: '588', projects: '100', priority: true },
  ] as const) {
    await act(`umbrella plan ${code}`, partner(umbrella), (tx) =>
      createPlan(tx, {
        ...{ code, name, rank },
        prices: [monthly(month, 'USD'), yearly(year, 'USD')],
        features: [metered('projects', projects, 'NEVER'), ...(priority ? [flag('priority_support')] : [])],
      }),
    );
  }
  await act('umbrella coupon UPGRADE20', partner(umbrella), (tx) =>
    createCoupon(tx, {
      code: 'UPGRADE20',
      name: '20 % off the upgrade',
      kind: 'PERCENT',
      percent: '20',
      duration: 'ONCE',
    }),
  );
  await act('umbrella coupon UPGRADE50', partner(umbrella), (tx) =>
    createCoupon(tx, {
      code: 'UPGRADE50',
      name: 'Half price for three periods',
      kind: 'PERCENT',
      percent: '50',
      duration: 'REPEATING',
      durationPeriods: 3,
    }),
  );

  await act('umbrella licence cad_seat', partner(umbrella), (tx) =>
    createLicenceProduct(tx, {
      code: 'cad_seat',
      name: 'CAD seat',
      yearlyPrices: [{ amount: '200.00', currency: 'USD' }],
      features: [flag('priority_support')],
      trial: { days: 14, seats: 3 },
    }),
  );

  const tenants = [
    {
      owner: acme,
      name: 'Globex',
      externalId: 'globex',
      plan: 'starter',
      startAt: '2025-12-01T00:00:00+01:00',
      admin: 'tenant-admin',
    },
    {
      owner: acme,
      name: 'Initech',
      externalId: 'initech',
      plan: 'pro',
      startAt: '2025-12-01T00:00:00+01:00',
      admin: 'other-tenant-admin',
    },
    {
      owner: umbrella,
      name: 'Hooli',
      externalId: 'hooli',
      plan: 'pro',
      startAt: '2025-12-01T00:00:00-05:00',
      admin: 'other-partner-tenant-admin',
    },
  ] as const;
  for (const { owner, name, externalId, plan, startAt, admin } of tenants) {
    const { tenant: made } = await act(`tenant ${externalId}`, partner(owner), (tx) =>
      createTenant(tx, { name, externalId, sandbox: true, testClock: instant('2025-12-21T15:00:00Z') }),
    );
    const scope = tenant(encodeId('Tenant', made.id));
    await act(`${externalId} subscribes`, scope, (tx) => startSubscription(tx, { plan, startAt: instant(startAt) }));
    await invite(scope, admin, 'ADMIN');
    if (externalId === 'globex') await invite(scope, 'tenant-member', 'MEMBER');
  }
}

/** How many steps a new world takes: for a progress bar. */
export const demoSteps = 39;
