import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, isObjectType } from 'graphql';
import { graphcache, keys, possibleTypes, typePolicies } from '../../src/sdk';

const root = join(__dirname, '..', '..');

/** `--check` compares with what is on disk and writes nothing. */
function checkGenerated(): Promise<{ failed: boolean; said: string }> {
  const program = require.resolve('@graphql-codegen/cli/package.json').replace('package.json', 'esm/bin.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, '--config', 'codegen.yml', '--check'], { cwd: root }, (error, out, err) =>
      resolve({ failed: error !== null, said: `${out}${err}` }),
    );
  });
}

test('the SDK is what the schema and the operations give', async () => {
  const { failed, said } = await checkGenerated();
  if (failed) throw new Error(`src/sdk is out of step. Run: npm run codegen\n\n${said}`);
});

describe('for caches', () => {
  const schema = buildSchema(readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8'));

  test('every union says what it may be', () => {
    expect(possibleTypes['Unlock']).toEqual(['LicenceUnlock', 'PaymentUnlock', 'PlanChangeUnlock', 'StartUnlock']);
    expect(possibleTypes['ChangePlanResult']).toEqual(['ChangePlanDone', 'Refused']);
  });

  test('exactly the types without an id have no key', () => {
    const types = Object.values(schema.getTypeMap()).filter(isObjectType);
    const embedded = types.filter((type) => !('id' in type.getFields()) && !type.name.startsWith('__'));
    const names = embedded.map((type) => type.name).filter((name) => name !== 'Query' && name !== 'Mutation');
    expect(Object.keys(keys).sort()).toEqual(names.sort());
  });

  test('lists are told apart by their filters', () => {
    expect(typePolicies.Query.fields.addons.keyArgs({ first: 10, status: 'ACTIVE' })).toEqual(['status']);
    expect(typePolicies.Viewer.keyFields).toEqual([]);
  });

  test("urql is told that `Subscription` is a tenant's and no root of live operations", () => {
    const { subscriptionType } = graphcache.schema.__schema;
    expect(subscriptionType.name).toBe(schema.getSubscriptionType()?.name ?? 'NoLiveOperations');
    expect(subscriptionType.name).not.toBe('Subscription');
  });
});
