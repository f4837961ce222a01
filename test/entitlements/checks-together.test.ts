import type { DemoIdentity } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ poolSize: 3 });
});
afterAll(() => gateway.stop());

const query =
  'query ($feature: ID!, $tenantId: ID) { entitlementCheck(feature: $feature, tenantId: $tenantId) { allowed reason limit } }';
type Ask = readonly [who: DemoIdentity, feature: string, tenant?: 'globex' | 'initech' | 'hooli'];

async function check([who, feature, tenant]: Ask) {
  const { data, errors } = await gateway.ask(who, query, {
    feature,
    tenantId: tenant ? await gateway.idOf(tenant) : null,
  });
  return errors?.[0]?.extensions.code ?? data.entitlementCheck;
}

const asks: readonly Ask[] = [
  ['tenant-admin', 'api_calls'],
  ['tenant-admin', 'nothing_of_that_name'],
  ['tenant-admin', 'api_calls', 'hooli'],
  ['other-partner-tenant-admin', 'projects'],
  ['other-partner-tenant-admin', 'api_calls'],
  ['partner-owner', 'ai_systems', 'globex'],
  ['partner-owner', 'ai_systems', 'initech'],
  ['partner-owner', 'projects', 'hooli'],
  ['other-partner-owner', 'projects', 'hooli'],
  ['super-admin', 'projects', 'hooli'],
  ['super-admin', 'api_calls', 'globex'],
];

describe('checks of many askers at once', () => {
  test('are answered as each alone, in fewer statements', async () => {
    const alone: unknown[] = [];
    for (const ask of asks) alone.push(await check(ask));
    expect(new Set(alone.map((answer) => (answer as { reason: string }).reason)).size).toBeGreaterThan(2);
    gateway.statements();
    const many = [...asks, ...asks.toReversed(), ...asks];
    const answers = await Promise.all(many.map(check));
    expect(answers).toEqual([...alone, ...alone.toReversed(), ...alone]);
    const shared = gateway.statements().filter((sql) => sql.includes('check_entitlements'));
    expect(shared.length).toBeLessThan(many.length);
  });

  test('survive connections that are ended under them: an outage for a moment, then answers', async () => {
    for (let round = 0; round < 3; round += 1) {
      const answers = asks.map(check);
      await gateway.database.asOwner(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tollgate-test' and datname = current_database()`,
      );
      for (const answer of await Promise.all(answers)) {
        if (typeof answer === 'string') expect(answer).toBe('SERVICE_UNAVAILABLE');
        else expect(answer).toHaveProperty('reason');
      }
    }
    // A connection may still be found ended; then none.
    await check(asks[0]!);
    await check(asks[0]!);
    expect(await Promise.all(asks.map(check))).toEqual(expect.not.arrayContaining(['SERVICE_UNAVAILABLE']));
  });

  test('wait for a full pool no longer than any other question', async () => {
    const others = Array.from({ length: 12 }, () =>
      gateway.ask('partner-owner', '{ addons(first: 5) { nodes { code } } }'),
    );
    const answers = await Promise.all(asks.map(check));
    for (const answer of answers) expect(answer).toHaveProperty('reason');
    for (const { errors } of await Promise.all(others)) expect(errors).toBeUndefined();
  });
});
