import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { inspect } from 'node:util';
import type { DemoIdentity } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';

const root = resolve(__dirname, '../..');

/** `$ ask <identity> '<document>'` and what stands below it. */
function tourOf(text: string) {
  const blocks = [...text.matchAll(/```console\n\$ ask (\S+) '(.*?)'\n(.*?)\n```/gs)];
  return blocks.map(([, who, document, output]) => ({ who: who as DemoIdentity, document: document!, output }));
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...pagesIn('docs'), ...pagesIn('src')];

describe.each(['README.md', 'docs/integrating.md'])('%s', (page) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  const tour = tourOf(readFileSync(join(root, page), 'utf8'));

  test('has commands that this test can read', () => {
    expect(tour.length).toBeGreaterThan(3);
  });

  test('answers what it says, in this order', async () => {
    for (const { who, document, output } of tour) {
      const { data, errors } = await gateway.ask(who, document);
      expect({ document, errors }).toEqual({ document, errors: undefined });
      expect(inspect(data, { depth: 9, compact: 5, breakLength: 110 })).toBe(output);
    }
  });
});

test.each(pages)('%s links to what exists', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/```.*?```/gs, '');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
});
