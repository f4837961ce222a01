import { isObjectType } from 'graphql';
import { decodeId } from '../../src/core/ids';
import { schema } from '../../src/graphql/schema';
import { newId } from '../../src/platform/new-id';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { queries } from './support/calls';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  const partnerId = decodeId(await gateway.idOf('acme'))!.uuid;
  for (let number = 1; number <= 6; number += 1) {
    await gateway.database.asOwner(
      `insert into partner_events
         (partner_id, sequence, id, tenant_id, sandbox, type, version, data, occurred_at, numbered_at)
       values ($1, $2, $3, null, false, 'plan.created', 1, '{}', now(), now())`,
      [partnerId, number, newId()],
    );
    await gateway.database.asOwner(
      `insert into inbound_events (provider, event_id, id, type, occurred_at, live, body, status, tenant_id, partner_id,
         next_try_at, received_at, settled_at)
       select 'FAKE', $2, $3, 'charge.succeeded', now(), false, '{}', 'APPLIED', t.id, t.partner_id, now(), now(), now()
         from tenants t where t.partner_id = $1 order by t.id limit 1`,
      [partnerId, `event ${number}`, newId()],
    );
  }
});
afterAll(() => gateway.stop());

interface Args {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string;
  readonly before?: string;
}
interface Edge {
  readonly cursor: string;
  readonly node: { readonly id: string };
}
interface Answer {
  readonly edges: readonly Edge[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
}

const argsText = (args: object) => {
  const given = Object.entries(args).map(
    ([name, value]) => `${name}: ${name === 'status' ? value : JSON.stringify(value)}`,
  );
  return given.length > 0 ? `(${given.join(', ')})` : '';
};
const page = '{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';
const ask = (list: string, args: object) => gateway.ask('partner-owner', `{ ${list}${argsText(args)} ${page} }`);

/** `EdgesToReturn`, `HasNextPage` and `HasPreviousPage` as https://relay.dev/graphql/connections.htm has them. */
function relay(all: readonly Edge[], { first, last, after, before }: Args): Answer {
  const indexOf = (cursor: string | undefined) => all.findIndex((edge) => edge.cursor === cursor);
  const from = after === undefined ? 0 : indexOf(after) + 1;
  const to = before === undefined ? all.length : indexOf(before);
  const range = all.slice(from, Math.max(from, to));
  const edges =
    first !== undefined
      ? range.slice(0, first)
      : last !== undefined
        ? range.slice(range.length - Math.min(last, range.length))
        : range;
  return {
    edges,
    pageInfo: {
      hasNextPage: (first !== undefined && range.length > first) || before !== undefined,
      hasPreviousPage: (last !== undefined && range.length > last) || after !== undefined,
    },
  };
}

test.each(['features', 'events', 'inboundEvents'])(
  '%s pages as the Relay text says, from both ends and between two cursors',
  async (list) => {
    const all = (await ask(list, { first: 100 })).data[list].edges as Edge[];
    expect(all.length).toBeGreaterThanOrEqual(5);
    const cursors = [undefined, all[0]!.cursor, all[2]!.cursor, all.at(-1)!.cursor];
    const sizes: Args[] = [{}, { first: 0 }, { first: 2 }, { first: 100 }, { last: 0 }, { last: 2 }, { last: 100 }];
    for (const size of sizes) {
      const cases = cursors.flatMap((after) =>
        cursors.map((before): Args => ({ ...size, ...(after && { after }), ...(before && { before }) })),
      );
      const fields = cases.map((args, index) => `c${index}: ${list}${argsText(args)} ${page}`);
      const { data, errors } = await gateway.ask('partner-owner', `{ ${fields.join(' ')} }`);
      expect({ size, errors }).toEqual({ size, errors: undefined });
      for (const [index, args] of cases.entries()) {
        const { edges, pageInfo } = data[`c${index}`];
        const { startCursor, endCursor, ...info } = pageInfo;
        expect({ args, edges, pageInfo: info }).toEqual({ args, ...relay(all, args) });
        expect([startCursor, endCursor]).toEqual([edges[0]?.cursor ?? null, edges.at(-1)?.cursor ?? null]);
      }
    }
  },
);

test('what cannot be a page is refused, and says why', async () => {
  const refusal = async (args: object) => {
    const { errors } = await ask('features', args);
    return [errors?.[0]?.extensions.code, errors?.[0]?.message];
  };
  expect(await refusal({ first: -1 })).toEqual(['BAD_USER_INPUT', 'A page has 0 to 100 entries.']);
  expect(await refusal({ last: 101 })).toEqual(['BAD_USER_INPUT', 'A page has 0 to 100 entries.']);
  expect(await refusal({ first: 1, last: 1 })).toEqual(['BAD_USER_INPUT', 'Give first or last, not both.']);
  for (const after of ['x', 'AAAA', `${'A'.repeat(2_000)}`, Buffer.from(newId()).toString('base64url')]) {
    expect(await refusal({ after })).toEqual(['BAD_USER_INPUT', 'Not a cursor.']);
  }
});

test('a cursor holds for its own list: the same field with the same arguments', async () => {
  const other = 'This cursor is of another list: take one that the same field gave with the same arguments.';
  const cursorOf = async (list: string, args: object = {}) =>
    (await ask(list, { ...args, first: 1 })).data[list].edges[0].cursor;
  const plan = await cursorOf('plans');
  const feature = await cursorOf('features');
  for (const [list, args] of [
    ['features', { after: plan }],
    ['plans', { before: feature }],
    ['plans', { after: plan, status: 'ACTIVE' }],
    ['addons', { after: plan, first: 0 }],
  ] as const) {
    expect((await ask(list, args)).errors?.[0]?.message).toBe(other);
  }
  expect((await ask('plans', { after: plan, first: 3 })).errors).toBeUndefined();
  const active = await cursorOf('plans', { status: 'ACTIVE' });
  expect((await ask('plans', { status: 'ACTIVE', after: active })).errors).toBeUndefined();
  // Another tenant's invoices are another list.
  const invoices = (args: string) => gateway.ask('partner-owner', `{ invoices(${args}) { edges { cursor } } }`);
  const [globex, initech] = [await gateway.idOf('globex'), await gateway.idOf('initech')];
  const [{ cursor }] = (await invoices(`tenantId: "${globex}"`)).data.invoices.edges;
  expect((await invoices(`tenantId: "${globex}", after: "${cursor}"`)).errors).toBeUndefined();
  expect((await invoices(`tenantId: "${initech}", after: "${cursor}"`)).errors?.[0]?.message).toBe(other);
});

test('every list of the schema has cursors of its own', () => {
  const pages = Object.values(schema().getTypeMap()).flatMap((type) =>
    isObjectType(type)
      ? Object.values(type.getFields()).filter((field) => String(field.type).replace('!', '').endsWith('Connection'))
      : [],
  );
  expect(pages.length).toBeGreaterThan(25);
  expect(
    pages
      .filter(
        ({ args }) => !['first', 'after', 'last', 'before'].every((name) => args.some((arg) => arg.name === name)),
      )
      .map(({ name }) => name),
  ).toEqual([]);
  expect(Object.keys(queries())).toContain('features');
});
