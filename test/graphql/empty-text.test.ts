import {
  GraphQLError,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { schema } from '../../src/graphql/schema';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

type Path = readonly string[];

/** Where an input takes an optional text; recursive inputs once. */
function optionalTexts(type: GraphQLInputType, path: Path, seen: Path = []): Path[] {
  const given = isNonNullType(type) ? type.ofType : type;
  if (isListType(given)) return optionalTexts(given.ofType, [...path, '0'], seen);
  if (!isInputObjectType(given)) {
    const isText = ['String', 'ID'].includes(getNamedType(given).name);
    return isText && !isNonNullType(type) ? [path] : [];
  }
  if (seen.includes(given.name)) return [];
  return Object.values(given.getFields()).flatMap((field) =>
    optionalTexts(field.type, [...path, field.name], [...seen, given.name]),
  );
}

const withEmpty = ([name, ...rest]: Path): unknown => {
  if (name === undefined) return '';
  return name === '0' ? [withEmpty(rest)] : { [name]: withEmpty(rest) };
};

/** Ids of whom it is are ids of nothing; a key is judged where it is claimed; a description may be empty. */
const elsewhere = ['tenantId', 'partnerId', 'id', 'idempotencyKey', 'description'];

test('an optional text that is empty is refused by its path, whatever the field, before its resolver is asked', () => {
  const untouchable = new Proxy({}, { get: () => fail('the resolver was asked') });
  const fail = (why: string): never => {
    throw new Error(why);
  };
  const answers: Record<string, number> = {};
  for (const type of [schema().getQueryType()!, schema().getMutationType()!]) {
    for (const field of Object.values(type.getFields())) {
      const paths = field.args.flatMap((argument) => optionalTexts(argument.type, [argument.name]));
      for (const path of paths.filter((one) => !elsewhere.includes(one.at(-1)!))) {
        let answer: { code: string; path?: readonly string[] };
        try {
          answer = field.resolve!(undefined, withEmpty(path), untouchable, {} as never) as typeof answer;
        } catch (error) {
          if (!(error instanceof GraphQLError)) throw new Error(`${field.name} ${path.join('.')}: ${error}`);
          expect(error.message).toContain(path.join('.'));
          answer = { code: String(error.extensions.code), path };
        }
        expect([field.name, answer.path]).toEqual([field.name, path]);
        answers[answer.code] = (answers[answer.code] ?? 0) + 1;
      }
    }
  }
  expect(Object.keys(answers).sort()).toEqual(['BAD_USER_INPUT', 'INVALID_INPUT', 'QUOTE_INVALID']);
  expect(answers.QUOTE_INVALID).toBeGreaterThanOrEqual(3);
  expect(answers.INVALID_INPUT).toBeGreaterThan(30);
});

test('a plan change with an empty quote does not run at today’s price', async () => {
  const world = await World.create(gateway);
  await world.plan({ code: 'a', month: '31.00' });
  await world.plan({ code: 'b', month: '62.00' });
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.start('a');
  const run = (quote: string | null) =>
    gateway.get(
      'super-admin',
      `mutation ($input: PlanChangeInput!, $quote: String, $key: String) {
        changePlan(input: $input, quote: $quote, idempotencyKey: $key) {
          ... on ChangePlanDone { net { amount } } ... on Refused { code message path } } }`,
      { input: { tenantId: tenant.id, plan: 'b' }, quote, key: `quote-${quote === null}` },
    );
  expect(await run('')).toEqual({
    code: 'QUOTE_INVALID',
    message: 'Empty text is no value for quote: leave it out, or send null.',
    path: ['quote'],
  });
  expect(await run(' ')).toMatchObject({ code: 'QUOTE_INVALID' });
  expect(await tenant.change({ plan: 'b', coupon: '' })).toMatchObject({
    code: 'INVALID_INPUT',
    path: ['input', 'coupon'],
  });
  expect(await run(null)).toEqual({ net: { amount: '31.00' } });
});

test('a cursor that is empty is no first page', async () => {
  const { errors } = await gateway.ask('super-admin', '{ partners(first: 1, after: "") { nodes { id } } }');
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
});
