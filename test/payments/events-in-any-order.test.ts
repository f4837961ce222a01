import { processInbox } from '../../src/payments/process-inbox.job';
import { type ClonedDatabase, createDatabase } from '../support/database';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { BothProviders, everything, Lives, type Post, randomFrom, type Told } from './lives';

/** `EVENTS=10000` is the whole of it; `SEED` plays another one, or the same again. */
const wanted = Number(process.env['EVENTS'] ?? 1_000);
const seed = Number(process.env['SEED'] ?? 20_270_301);

let providers: BothProviders;
const databases: ClonedDatabase[] = [];
const gateways: TestGateway[] = [];

beforeAll(async () => {
  providers = await BothProviders.start('2027-03-01T12:00:00Z');
}, 60_000);
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop();
  for (const database of databases) await database.drop();
  await providers.stop();
}, 60_000);

const open = (database: ClonedDatabase) =>
  startTestGateway({ database, clock: providers.clock, providers: providers.ports(), poolSize: 8 });

/** What is sent is signed when it is sent, as providers do. */
async function post(gateway: TestGateway, posts: readonly (() => Post)[], senders: number): Promise<number[]> {
  const statuses: number[] = [];
  let next = 0;
  const send = async () => {
    while (next < posts.length) {
      const index = next;
      next += 1;
      const { provider, body, headers } = posts[index]!();
      const response = await fetch(`${gateway.url}/webhooks/${provider}`, { method: 'POST', body, headers });
      await response.arrayBuffer();
      statuses[index] = response.status;
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  return statuses;
}

/** All that can be done about what was heard; what came before its cause is not left to wait for its time. */
async function digest({ app, database }: TestGateway, workers: number): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    const { applied, ignored, parked, waiting } = await processInbox(app.system, app.providers, { workers });
    const looked = await app.stripeCheckouts.runDue({ workers });
    if (applied + ignored + parked + waiting + looked === 0) return;
    if (waiting > 0)
      await database.asOwner(`update inbound_events set next_try_at = received_at where status = 'RECEIVED'`);
  }
}

const rowsOf = async ({ database }: TestGateway) =>
  (await database.asOwner<{ row: string }>(everything)).map(({ row }) => row);

/** 30 % out of their order, 30 % twice, of this chapter and of earlier ones, 5 % forged. */
function mix(random: () => number, told: readonly Told[], earlier: readonly Told[]) {
  const below = (count: number) => Math.floor(random() * count);
  const placed = told.map((event, index) => ({
    event,
    // Up to five hundred places away.
    at: index + (random() < 0.3 ? (random() - 0.5) * 1_000 : 0),
  }));
  for (const event of told) {
    if (random() >= 0.3) continue;
    const again = earlier.length > 0 && random() < 0.3 ? earlier[below(earlier.length)]! : event;
    placed.push({ event: again, at: random() * told.length });
  }
  const mixed: { forged: boolean; post: () => Post }[] = placed
    .sort((one, two) => one.at - two.at)
    .map(({ event }) => ({ forged: false, post: () => providers.sign(event) }));
  const count = Math.ceil(told.length * 0.05);
  for (let index = 0; index < count; index += 1) {
    mixed.splice(below(mixed.length), 0, forge(told[below(told.length)]!, index));
  }
  return mixed;
}

/** What it would say if it were true: nine hundred of everything, under an id that nobody has seen. */
function forge({ provider, id, body }: Told, index: number) {
  const told = {
    provider,
    id: `forged_${id}`,
    body: body.replaceAll(id, `forged_${id}`).replaceAll('"quantity":1', '"quantity":999'),
  };
  const forms: (() => Post)[] = [
    () => providers.sign(told, 'whsec_that_somebody_has_guessed'),
    () => providers.sign(told, undefined, 3_600),
    () => ({ ...providers.sign(told), body: `${told.body} ` }),
    () => ({ ...providers.sign(told), headers: { 'content-type': 'application/json' } }),
  ];
  return { forged: true, post: forms[index % forms.length]! };
}

test(`${wanted} events of Stripe and Paddle, 30 % twice, 30 % out of order, 5 % forged: the end is that of the ordered run (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const lives = new Lives(providers);
  databases.push(await createDatabase('demo'));
  gateways.push(await open(databases[0]!));
  await lives.begin(gateways[0]!, Math.max(12, Math.round(wanted / 60)));
  await gateways.pop()!.stop();
  databases.push(await databases[0]!.copy());
  gateways.push(await open(databases[0]!), await open(databases[1]!));
  const [ordered, shuffled] = gateways as [TestGateway, TestGateway];

  const earlier: Told[] = [];
  const sent = { all: 0, forged: 0 };
  await lives.pay();
  for (let chapter = 1; earlier.length < wanted; chapter += 1) {
    const told = providers.listen();
    const inOrder = told.map((event) => () => providers.sign(event));
    expect(new Set(await post(ordered, inOrder, 1))).toEqual(new Set([200]));
    await digest(ordered, 1);

    const mixed = mix(random, told, earlier);
    const hearing = new AbortController();
    // At the same time as they come in.
    const working = (async () => {
      while (!hearing.signal.aborted) {
        await digest(shuffled, 2);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const statuses = await post(
      shuffled,
      mixed.map((one) => one.post),
      8,
    );
    hearing.abort();
    await working;
    await digest(shuffled, 2);
    expect(mixed.filter(({ forged }, index) => statuses[index] !== (forged ? 400 : 200))).toEqual([]);
    // After each chapter: what is wrong now may be healed by what follows.
    expect(await rowsOf(shuffled)).toEqual(await rowsOf(ordered));
    earlier.push(...told);
    sent.all += mixed.length;
    sent.forged += mixed.filter(({ forged }) => forged).length;
    await lives.tenDays(chapter);
  }
  expect(sent.forged).toBeGreaterThanOrEqual(wanted * 0.05);
  expect(sent.all - sent.forged).toBeGreaterThan(earlier.length * 1.25);
  // What was bought is paid, now that all of it is known.
  for (const gateway of gateways) await lives.bill(gateway);

  const stored = `select count(*)::int as count, count(*) filter (where event_id like 'forged%')::int as forged,
    count(*) filter (where status = 'RECEIVED')::int as open from inbound_events`;
  for (const { database } of gateways) {
    expect(await database.asOwner(stored)).toEqual([{ count: earlier.length, forged: 0, open: 0 }]);
  }
  expect(await rowsOf(shuffled)).toEqual(await rowsOf(ordered));
}, 900_000);
