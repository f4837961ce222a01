// Proves the playground in a real browser and takes its picture: node test/http/playground.browser.mjs
// Not a part of `npm test`: it needs a Chromium (CHROMIUM, default /usr/bin/chromium). It starts a gateway of its own on a
// free port, in a data folder that is thrown away, and ends it by its process id.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const picture = join(root, 'docs', 'images', 'playground.png');
const dataFolder = mkdtempSync(join(tmpdir(), 'tollgate-playground-'));
// As root the gateway lets another account run PostgreSQL, which has to reach the folder.
chmodSync(dataFolder, 0o755);

function startGateway() {
  const child = spawn(process.execPath, [join(root, 'src', 'cli', 'run.mjs'), 'serve'], {
    cwd: root,
    env: { ...process.env, TOLLGATE_ENV: 'demo', PORT: '0', DATA_DIR: dataFolder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = new Promise((found, failed) => {
    let said = '';
    child.stdout.on('data', (part) => {
      said += part;
      const match = /Playground\s+(http:\/\/\S+)\//.exec(said);
      if (match) found(match[1]);
    });
    child.on('exit', (code) => failed(new Error(`the gateway ended with ${code}: ${said}`)));
  });
  return { child, url };
}

const done = (what) => process.stdout.write(`  ✓ ${what}\n`);
const editors = { query: '.graphiql-query-editor', variables: '.graphiql-editor-tool', answer: '.result-window' };

/** CodeMirror draws only the lines in view; the whole text is in the editor itself. */
const textIn = (page, editor) =>
  page
    .locator(`${editor} .CodeMirror`)
    .first()
    .evaluate((element) => element.CodeMirror.getValue());

async function answerIn(page) {
  await page.waitForFunction(
    (selector) => {
      const text = document.querySelector(`${selector} .CodeMirror`).CodeMirror.getValue();
      return text.length > 0 && !document.querySelector('.graphiql-spinner');
    },
    editors.answer,
    { timeout: 15_000 },
  );
  return JSON.parse(await textIn(page, editors.answer));
}

async function run(page) {
  await page.click('.graphiql-execute-button');
  return answerIn(page);
}

async function openTab(page, title) {
  await page.locator('.graphiql-tab-button', { hasText: new RegExp(`^${title}$`) }).click();
  await page.waitForFunction(
    ([selector, name]) => document.querySelector(`${selector} .CodeMirror`).CodeMirror.getValue().includes(` ${name}`),
    [editors.query, title],
  );
  // GraphiQL stores what changed with a delay.
  await page.waitForTimeout(700);
}

/** Anything that should not be seen: requests to other hosts, broken requests, policy violations, errors in the console. */
function watch(context, url) {
  const seen = { requests: 0, wrong: [] };
  context.on('request', (request) => {
    seen.requests += 1;
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(`${url}/`)) seen.wrong.push(request.url());
  });
  context.on('requestfailed', (request) => seen.wrong.push(`failed: ${request.url()}`));
  context.on('response', (response) => {
    if (response.status() >= 400) seen.wrong.push(`${response.status()}: ${response.url()}`);
  });
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.wrong.push(message.text());
  });
  context.on('weberror', (error) => seen.wrong.push(String(error.error())));
  return seen;
}

async function prove(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const seen = watch(context, url);
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.waitForSelector('.graphiql-execute-button');
  assert.equal(await page.title(), 'Tollgate playground');
  assert.equal(await page.inputValue('#identity'), 'other-partner-tenant-admin');
  assert.equal(await textIn(page, editors.variables), '');
  done('the page is there, with the first query and an identity');

  const upgrade = await run(page);
  const amounts = ['unusedCredit', 'newCharge', 'discount', 'net'].map(
    (part) => upgrade.data.prorationPreview[part].amount,
  );
  assert.deepEqual(amounts, ['6.74', '17.39', '3.48', '7.17']);
  assert.equal(upgrade.data.viewer.tenant.name, 'Hooli');
  mkdirSync(dirname(picture), { recursive: true });
  await page.mouse.move(900, 40);
  await page.waitForTimeout(500);
  await page.screenshot({ path: picture });
  done(`the first query costs ${amounts.join(' / ')} as other-partner-tenant-admin`);

  await page.selectOption('#identity', 'tenant-admin');
  const stranger = await run(page);
  assert.equal(stranger.data.viewer.tenant.name, 'Globex');
  assert.equal(stranger.data.prorationPreview.code, 'PLAN_NOT_FOUND');
  done('and is refused as tenant-admin, who has another partner');

  const kept = async () => {
    await openTab(page, 'ProrationPreview');
    assert.deepEqual(JSON.parse(await textIn(page, editors.variables)), {
      input: { plan: 'pro_max', coupon: 'UPGRADE20' },
    });
    await openTab(page, 'Invoice');
    assert.match(JSON.parse(await textIn(page, editors.variables)).id, /^invoice_[0-9a-z]{52}$/);
    await openTab(page, 'EntitlementCheck');
    assert.deepEqual(JSON.parse(await textIn(page, editors.variables)), { feature: 'importer_distributor' });
    await openTab(page, 'AccountOverview');
    assert.equal(await textIn(page, editors.variables), '');
    await openTab(page, 'FirstLook');
    assert.equal(await textIn(page, editors.variables), '');
  };
  const titles = () => page.locator('.graphiql-tab-button').allTextContents();
  const atFirst = await titles();
  await kept();
  done(`each of ${atFirst.length} tabs has its own variables`);

  for (const title of ['FirstLook', 'EntitlementCheck', 'ProrationPreview']) {
    await openTab(page, title);
    await page.reload();
    await page.waitForSelector('.graphiql-execute-button');
    assert.deepEqual(await titles(), atFirst);
    assert.equal(await page.inputValue('#identity'), 'tenant-admin');
    await kept();
  }
  done('after a reload, too, whichever tab was open; the identity is remembered, its token is not');
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.ok(!stored.includes('eyJ'), 'a token was stored');
  assert.ok(!/authorization/i.test(stored), 'a header was stored');

  await openTab(page, 'ProrationPreview');
  await page.getByRole('button', { name: 'Act as them' }).click();
  assert.equal(await page.inputValue('#identity'), 'other-partner-tenant-admin');
  assert.equal((await run(page)).data.prorationPreview.net.amount, '7.17');
  done('a tab says for whom its example is, and changes to them');

  await page.getByRole('button', { name: 'Operations', exact: true }).click();
  const offered = page.locator('.operations li button');
  const count = await offered.count();
  const refused = [];
  for (let index = 0; index < count; index += 1) {
    const name = await offered.nth(index).locator('code').textContent();
    await offered.nth(index).click();
    await page.waitForFunction(
      ([selector, title]) => {
        const active = document.querySelector('.graphiql-tab-active .graphiql-tab-button')?.textContent;
        const text = document.querySelector(`${selector} .CodeMirror`).CodeMirror.getValue();
        return active === title && text.includes(` ${title}`);
      },
      [editors.query, name],
    );
    await page.waitForTimeout(150);
    const answer = await run(page);
    assert.equal(answer.errors, undefined, `${name}: ${JSON.stringify(answer.errors)}`);
    if (JSON.stringify(answer.data).includes('"__typename":"Refused"')) refused.push(name);
  }
  done(
    `all ${count} operations open from the list and answer; refused by what the world is like: ${refused.join(', ')}`,
  );

  await page.getByRole('button', { name: 'Schema docs' }).click();
  await page.locator('.graphiql-doc-explorer-content a', { hasText: 'Query' }).first().click();
  await page.getByText('May this tenant use this feature now?').first().waitFor();
  done('the docs pane has the descriptions');

  for (const title of ['Open settings dialog', 'Open short keys dialog']) {
    await page.locator(`button[aria-label="${title}"]`).click();
    await page.locator('.graphiql-dialog').waitFor();
    await page.keyboard.press('Escape');
  }
  await page.locator(`${editors.query} .CodeMirror`).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('query { notAField');
  await page.locator('.CodeMirror-lint-mark-error').first().waitFor();
  done('dialogs and lint marks are drawn');

  assert.deepEqual(seen.wrong, []);
  done(`${seen.requests} requests, none to another host; no policy violation, nothing in the console`);
  await context.close();
}

/** A page of another origin tries to read the tokens: by fetch with and without the header, as a script, in a frame. */
async function proveClosed(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  // The same machine by another name is another origin.
  const foreign = url.replace('127.0.0.1', 'localhost');
  await page.route(`${foreign}/`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>foreign</title>' }),
  );
  await page.goto(`${foreign}/`);
  const read = (headers) =>
    page.evaluate(
      ([address, init]) =>
        fetch(`${address}/playground/identities`, { headers: init }).then(
          (response) => response.text(),
          () => 'blocked',
        ),
      [url, headers],
    );
  assert.equal(await read({}), 'blocked');
  assert.equal(await read({ 'tollgate-playground': '1' }), 'blocked');
  const framed = await page.evaluate(async (address) => {
    const frame = document.createElement('iframe');
    frame.src = `${address}/`;
    const loaded = new Promise((done) => frame.addEventListener('load', done));
    document.body.append(frame);
    await loaded;
    return frame.contentDocument === null ? 'blocked' : 'empty';
  }, url);
  assert.equal(framed, 'blocked');
  assert.ok(page.frames().every((frame) => !frame.url().startsWith(`${url}/`)));
  done('a page of another origin reads no identities and cannot frame the playground');
  await context.close();
}

const gateway = startGateway();
let browser;
try {
  const url = await gateway.url;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  await prove(browser, url);
  await proveClosed(browser, url);
} finally {
  await browser?.close();
  gateway.child.removeAllListeners('exit');
  const ended = new Promise((resolved) => gateway.child.on('exit', resolved));
  gateway.child.kill('SIGTERM');
  await ended;
  rmSync(dataFolder, { recursive: true, force: true });
}
