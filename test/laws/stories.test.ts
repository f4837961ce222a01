import { randomFrom, seed } from '../support/arbitraries';
import { findings } from '../support/findings';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { openShops, Story } from './story';

/**
 * Random stories of two years each, of tenants that share a database; afterwards every invariant is looked at, and none is broken.
 * `STORIES=200 npx jest test/laws/stories` is the long form; `STORY=17` plays that one alone and prints what happened in it.
 */
const count = Number(process.env.STORIES ?? 4);
const only = process.env.STORY;
const lanes = 3;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

test(
  `${count} stories of two years break no law (seed ${seed})`,
  async () => {
    const worlds = await openShops(gateway);
    const stories = new Map<number, Story>();
    const waiting = only === undefined ? Array.from({ length: count }, (_none, number) => number) : [Number(only)];
    const broken: string[] = [];
    const lane = async () => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
        const story = new Story(gateway, worlds[number % worlds.length]!, randomFrom(seed + number));
        stories.set(number, story);
        await story
          .live()
          .catch(({ message }: Error) =>
            broken.push([`STORY=${number}: ${message}`, ...story.told.slice(-15)].join('\n')),
          );
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const found = [...broken, ...(await findings(gateway))];
    if (only !== undefined) process.stderr.write(`${stories.get(Number(only))!.told.join('\n')}\n`);
    const tenants = [...stories].map(([number, story]) => `STORY=${number}: tenant ${story.uuid}`);
    expect(found.length === 0 ? [] : [...found, `seed ${seed}`, ...tenants]).toEqual([]);
    // They are worth something only where things happen in them.
    const outcomes = new Map<string, number>();
    for (const story of stories.values())
      for (const [outcome, times] of story.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + times);
    if (process.env.TALLY)
      process.stderr.write(`${JSON.stringify(Object.fromEntries([...outcomes].sort()), null, 1)}\n`);
    const acts = [
      'changePlan',
      'subscribeAddon',
      'cancelAddon',
      'applyCoupon',
      'recordUsage',
      'markInvoicePaid',
      'issueCreditNote',
    ];
    if (only === undefined) expect(acts.filter((act) => !outcomes.has(`${act} done`))).toEqual([]);
  },
  Math.max(120_000, count * 30_000),
);
