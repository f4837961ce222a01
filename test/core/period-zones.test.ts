import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Walk {
  /** Minutes from local time to UTC, as the process sees them: proves that TZ took effect. */
  readonly offset: number;
  readonly periods: number;
  readonly problems: readonly string[];
  readonly digest: string;
}

// TZ is read when a process starts; setting it in a running one is not reliable, so each value gets a process.
async function walkUnder(TZ: string): Promise<Walk> {
  const { stdout } = await run(process.execPath, [join(__dirname, 'period-walk.cjs')], {
    env: { ...process.env, TZ, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout) as Walk;
}

test('anchors 1–31 × 12 zones × 8 years: periods touch, never overlap, and are the same under any TZ', async () => {
  const walks = await Promise.all(['UTC', 'America/Los_Angeles', 'Pacific/Auckland'].map(walkUnder));
  expect(walks.map(({ offset }) => offset)).toEqual([0, 480, -780]);
  for (const { problems, periods } of walks) {
    expect(problems).toEqual([]);
    expect(periods).toBe(31 * 12 * 8 * (12 + 1)); // days × zones × years × (months + the year)
  }
  expect(new Set(walks.map(({ digest }) => digest)).size).toBe(1);
}, 60_000);
