import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  Source,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { processInbox } from '../../src/payments/process-inbox.job';
import * as sdk from '../../src/sdk';
import { demoIdentities } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { examples, operationsFolder, placeholdersIn, resolved } from './examples';

const schema = buildSchema(readFileSync(join(operationsFolder, '..', 'schema.graphql'), 'utf8'));
const files = readdirSync(operationsFolder).filter((name) => name.endsWith('.graphql'));
const textOf = (name: string) => readFileSync(join(operationsFolder, name), 'utf8');
const definitions = files.flatMap((name) => parse(new Source(textOf(name), name)).definitions);
const operations = definitions.filter(
  (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
);
const nameOf = (operation: OperationDefinitionNode) => operation.name!.value;

describe('the named operations', () => {
  test('are valid, all together: names are unique, every fragment is used', () => {
    const document = parse(files.map(textOf).join('\n'));
    expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  });

  test('cover every query and mutation of the schema', () => {
    const asked = new Set(
      operations.flatMap(({ operation, selectionSet }) =>
        selectionSet.selections.map((field) => `${operation} ${field.kind === Kind.FIELD ? field.name.value : ''}`),
      ),
    );
    const fieldsOf = (operation: string, type: { getFields(): object } | null | undefined) =>
      Object.keys(type?.getFields() ?? {}).map((name) => `${operation} ${name}`);
    const all = [...fieldsOf('query', schema.getQueryType()), ...fieldsOf('mutation', schema.getMutationType())];
    // Somebody will look for an operation of the name of each field: write one in schema/operations, with an example in
    // demo.json, and run `npm run codegen`.
    expect(all.filter((field) => !asked.has(field))).toEqual([]);
  });

  test('whatever has an id is asked for it, so that caches know it again', () => {
    const types = new TypeInfo(schema);
    const without: string[] = [];
    for (const definition of definitions) {
      visit(
        definition,
        visitWithTypeInfo(types, {
          SelectionSet(node) {
            const type = types.getParentType();
            if (!isObjectType(type) || !('id' in type.getFields())) return;
            const asks = node.selections.some(
              (selection) =>
                selection.kind === Kind.FRAGMENT_SPREAD || ('name' in selection && selection.name?.value === 'id'),
            );
            if (!asks) without.push(`${type.name} at ${node.loc!.source.name}:${node.loc!.startToken.line}`);
          },
        }),
      );
    }
    expect(without).toEqual([]);
  });

  test('each says above it what it is for', () => {
    const silent = operations.filter(({ loc }) => String(loc!.startToken.prev?.kind) !== 'Comment');
    expect(silent.map(nameOf)).toEqual([]);
  });

  test('each has an example in the demo world, and each example an operation', () => {
    expect(Object.keys(examples).sort()).toEqual(operations.map(nameOf).sort());
    const identities = demoIdentities.map(({ name }) => name);
    for (const [name, { as, variables }] of Object.entries(examples)) {
      expect({ name, as: identities.includes(as) }).toEqual({ name, as: true });
      for (const { from } of placeholdersIn(variables)) expect(Object.keys(examples)).toContain(from);
    }
  });
});

/** In the demo Stripe is off: what needs it says so. test/payments/stripe and test/licences have it. */
const refusedInTheDemo: Readonly<Record<string, string>> = {
  CreateAddonCheckout: 'PROVIDER_NOT_CONFIGURED',
  CreatePlanCheckout: 'PROVIDER_NOT_CONFIGURED',
  CreatePortalLink: 'PROVIDER_NOT_CONFIGURED',
  AcceptCheckout: 'CHECKOUT_NOT_FOUND',
  RefuseCheckout: 'CHECKOUT_NOT_FOUND',
  RetryCheckout: 'CHECKOUT_NOT_FOUND',
  // Nothing that was paid for in the demo is parked.
  AcceptLicencePurchase: 'LICENCE_PURCHASE_NOT_FOUND',
  RefuseLicencePurchase: 'LICENCE_PURCHASE_NOT_FOUND',
};

describe('against a gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
    // A provider has told something that nothing is done about.
    const body = JSON.stringify({ id: 'fevt_1', type: 'balance.available', created: 0, live: false, data: {} });
    await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...gateway.fake.sign(body) });
  });
  afterAll(() => gateway.stop());

  type AnyOperation = sdk.Operation<unknown, Record<string, unknown>>;
  const sent = new Map<string, AnyOperation>();
  for (const [name, value] of Object.entries(sdk)) {
    if (name.endsWith('Operation')) sent.set((value as AnyOperation).name, value as AnyOperation);
  }
  const done = new Map<string, unknown>();

  /** Runs an operation as its example says. A `GatewayError` is thrown for anything in `errors`. */
  async function run(name: string, overrides: Record<string, unknown> = {}): Promise<unknown> {
    const operation = sent.get(name)!;
    const { as, variables } = examples[name]!;
    const client = sdk.createClient({ url: gateway.url, token: await gateway.token(as), retries: 0 });
    const answerOf = async (from: string) => done.get(from) ?? run(from);
    const answer = await client.run(operation, {
      ...((await resolved(variables, answerOf)) as Record<string, unknown>),
      ...overrides,
    });
    // Only what acted is remembered: a list is read anew each time, an id from a mutation cannot be.
    if (operation.kind === 'mutation' && overrides['dryRun'] === false) done.set(name, answer);
    return answer;
  }

  test('the SDK has each of them', () => {
    expect([...sent.keys()].sort()).toEqual(operations.map(nameOf).sort());
  });

  test.each(Object.keys(examples))('%s answers its example', async (name) => {
    if (sent.get(name)!.kind === 'query') {
      const answer = await run(name);
      expect(answer).not.toBeNull();
      expect(answer).not.toMatchObject({ __typename: 'Refused' });
      return;
    }
    if (name === 'CancelScheduledPlanChange') {
      const token = await gateway.token(examples[name]!.as);
      const client = sdk.createClient({ url: gateway.url, token });
      sdk.unwrap(await sdk.changePlan(client, { input: { plan: 'growth', effective: 'PERIOD_END' } }));
    }
    if (name === 'RenewLicences') {
      // Only what was bought and paid is renewed.
      const { purchase } = done.get('BuyLicences') as { purchase: { checkout: { id: string } } };
      gateway.fake.payCheckout(purchase.checkout.id);
      const { body, headers } = gateway.fake.sign(gateway.fake.events.at(-1)!);
      await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', body, headers });
      await processInbox(gateway.app.system, gateway.app.providers);
    }
    const withoutStripe = refusedInTheDemo[name];
    if (withoutStripe) {
      expect(await run(name, { dryRun: false })).toMatchObject({ __typename: 'Refused', code: withoutStripe });
      return;
    }
    const tried = await run(name, { dryRun: true });
    expect(tried).toMatchObject({ __typename: expect.stringMatching(/Done$/), dryRun: true });
    const acted = await run(name, { dryRun: false });
    expect(acted).toMatchObject({ __typename: expect.stringMatching(/Done$/), dryRun: false, replayed: false });
  });
});
