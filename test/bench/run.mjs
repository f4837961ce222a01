// `npm run bench`: requests a second and latency of the gateway, each beside two baselines that give the same answer in the
// same run: a bare node:http + pg server, and Mercurius with its JIT. Where the machine lets us, the server has one core to
// itself and PostgreSQL and the load share the others. Figures are ratios; absolute ones are this machine's of this minute.

import { deepStrictEqual } from 'node:assert';
import { execFileSync, fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { questions } from './answers.mjs';
import { benchIngest, ingestSize } from './ingest.mjs';
import { benchNeighbours, neighbourEnvironment, neighbours } from './neighbours.mjs';
import { benchWebhooks, stripeEnvironment, webhookSenders } from './webhooks.mjs';
import { fillWorld } from './world.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '..', '..');
const require = createRequire(import.meta.url);
const autocannon = require('autocannon');

const seconds = Number(process.env.BENCH_SECONDS ?? 5);
const connections = Number(process.env.BENCH_CONNECTIONS ?? 16);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);

/** `BENCH_ONLY=addons,recordUsageBatch` asks only these. */
const only = process.env.BENCH_ONLY?.split(',');
const asked = Object.entries(questions).filter(([name]) => !only || only.includes(name));

const has = (command) => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const pinned = availableParallelism() > 1 && process.platform === 'linux' && has('taskset');

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
chmodSync(folder, 0o755);
const { startEmbeddedPostgres } = require(join(root, 'dist/src/platform/embedded-postgres.js'));
const say = (text) => process.stderr.write(`  ${text}\n`);

function start(file, args, env = {}) {
  const child = fork(file, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    ...(pinned ? { execPath: 'taskset', execArgv: ['-c', '0', process.execPath] } : {}),
  });
  return new Promise((done, failed) => {
    const tell = (message) => new Promise((answered) => child.once('message', answered) && child.send(message));
    child.once('message', ({ url }) => done({ url, tell, stop: () => child.kill('SIGTERM') }));
    child.once('exit', (code) => failed(new Error(`${file} ended with ${code}`)));
  });
}

async function ask(server, question) {
  const response = await fetch(`${server.url}${server.path}`, { method: 'POST', ...server.request(question) });
  const body = await response.json();
  if (body.errors) throw new Error(`${server.name}: ${JSON.stringify(body.errors)}`);
  return body.data;
}

async function load(server, question, duration) {
  let failed = 0;
  const result = await autocannon({
    url: `${server.url}${server.path}`,
    method: 'POST',
    connections,
    duration,
    ...server.request(question),
    // GraphQL answers 200 to everything: a body with errors must not count.
    verifyBody: (body) => {
      const good = !body.includes('"errors"') && body.includes('"data"');
      if (!good) failed += 1;
      return good;
    },
  });
  if (failed > 0 || result.non2xx > 0 || result.errors > 0) {
    throw new Error(
      `${server.name}: ${failed} bodies with errors, ${result.non2xx} other statuses, ${result.errors} broken connections`,
    );
  }
  return { rate: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

const median = (values) => values.toSorted((first, second) => first - second)[Math.floor(values.length / 2)];

const stops = [];
try {
  const postgres = await startEmbeddedPostgres({
    dataFolder: join(folder, 'database'),
    durable: false,
    settings: { max_connections: '200', shared_buffers: '512MB' },
  });
  stops.push(() => postgres.stop());
  if (pinned) {
    // The server has core 0 to itself: PostgreSQL and the load take the others.
    const others = `1-${availableParallelism() - 1}`;
    execFileSync('taskset', ['-a', '-pc', others, String(process.pid)], { stdio: 'ignore' });
    const { readFileSync } = await import('node:fs');
    const pid = readFileSync(join(postgres.dataFolder, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0];
    execFileSync('taskset', ['-a', '-pc', others, pid], { stdio: 'ignore' });
  }
  const { Client } = require('pg');
  const admin = new Client({ connectionString: postgres.superuserUrl });
  await admin.connect();
  await admin.query('create database bench');
  await admin.end();
  const databaseUrl = new URL(postgres.superuserUrl);
  databaseUrl.pathname = '/bench';

  say('starting the gateway and filling its world: 50 add-ons, 20,000 attachments');
  const environment = {
    DATABASE_URL: databaseUrl.toString(),
    DATA_DIR: join(folder, 'data'),
    PORT: '0',
    TOLLGATE_ENV: 'demo',
    // Requests that wait for a locked customer until they are given up are what one of the questions is about.
    LOG_LEVEL: 'fatal',
    ...stripeEnvironment,
    ...neighbourEnvironment,
  };
  const gateway = await start(join(here, 'gateway-server.mjs'), [], environment);
  stops.push(gateway.stop);
  const ids = await fillWorld(databaseUrl.toString());
  const argument = JSON.stringify({ url: databaseUrl.toString(), ids });
  const bare = await start(join(here, 'bare-server.mjs'), [argument]);
  stops.push(bare.stop);
  const mercurius = await start(join(here, 'mercurius-server.mjs'), [argument]);
  stops.push(mercurius.stop);

  const tokens = Object.fromEntries(
    [
      ...new Set([
        ...Object.values(questions).map(({ as }) => as),
        'partner-owner',
        'other-partner-tenant-admin',
        'tenant-admin',
      ]),
    ].map((identity) => [
      identity,
      execFileSync(process.execPath, [join(root, 'dist/src/main.js'), 'token', identity], {
        env: { ...process.env, ...environment },
        encoding: 'utf8',
      }).trim(),
    ]),
  );
  const plain = ({ query, variables }) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const servers = [
    {
      ...gateway,
      name: 'tollgate',
      path: '/graphql',
      request: (question) => {
        const request = plain(question);
        return { ...request, headers: { ...request.headers, authorization: `Bearer ${tokens[question.as]}` } };
      },
    },
    { ...bare, name: 'bare node:http + pg', path: '/', request: plain },
    { ...mercurius, name: 'mercurius with JIT', path: '/graphql', request: plain },
  ];

  const report = [];
  for (const [name, question] of asked) {
    const answers = await Promise.all(servers.map((server) => ask(server, question)));
    for (const [index, answer] of answers.entries())
      deepStrictEqual(answer, answers[0], `${servers[index].name} answers differently`);
    for (const server of servers) await load(server, question, 2);
    const measured = servers.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, server] of servers.entries()) {
        say(`${name}: ${server.name}, round ${round + 1} of ${rounds}`);
        measured[index].push(await load(server, question, seconds));
      }
    }
    const rows = servers.map((server, index) => ({
      question: name,
      server: server.name,
      rate: Math.round(median(measured[index].map(({ rate }) => rate))),
      p50: median(measured[index].map(({ p50 }) => p50)),
      p99: median(measured[index].map(({ p99 }) => p99)),
      ofBare: median(measured[index].map(({ rate }, round) => rate / measured[1][round].rate)),
      ofMercurius: median(measured[index].map(({ rate }, round) => rate / measured[2][round].rate)),
    }));
    report.push(...rows);
  }

  let ingest;
  if (!only || only.includes('recordUsageBatch')) {
    const token = tokens['partner-owner'];
    ingest = await benchIngest({ gateway, token, databaseUrl: databaseUrl.toString(), start, rounds, seconds, say });
    report.push({ question: 'recordUsageBatch', ...ingest });
  }

  let webhooks;
  if (!only || only.includes('webhooks')) {
    const token = tokens['other-partner-tenant-admin'];
    const { tenantId } = ids;
    webhooks = await benchWebhooks({
      gateway,
      token,
      databaseUrl: databaseUrl.toString(),
      tenantId,
      rounds,
      seconds,
      say,
    });
    report.push(...webhooks.map((row) => ({ ...row, server: undefined, what: row.server })));
  }

  let beside;
  // `BENCH_ONLY=neighbours` asks all kinds, `BENCH_ONLY="slow reads"` one.
  const kinds = neighbours.filter((kind) => !only || only.includes('neighbours') || only.includes(kind));
  if (kinds.length > 0) {
    const secret = stripeEnvironment.STRIPE_WEBHOOK_SECRET;
    const url = databaseUrl.toString();
    beside = await benchNeighbours({
      gateway,
      tokens,
      databaseUrl: url,
      start,
      stops,
      rounds,
      seconds,
      secret,
      kinds,
      say,
    });
    report.push(...beside);
  }

  const column = (text, width) => String(text).padStart(width);
  console.log(
    `\n  ${connections} connections, ${rounds} rounds of ${seconds} s, medians${pinned ? '; the server pinned to one core' : ''}\n`,
  );
  console.log('  question          server                  requests/s   p50 ms   p99 ms   of bare   of mercurius');
  for (const { question, server, rate, p50, p99, ofBare, ofMercurius } of report.filter(({ server }) => server)) {
    console.log(
      `  ${question.padEnd(18)}${server.padEnd(22)}${column(rate, 12)}${column(p50, 9)}${column(p99, 9)}${column(ofBare.toFixed(2), 10)}${column(ofMercurius.toFixed(2), 15)}`,
    );
  }
  if (ingest) {
    const { batch, connections: senders } = ingestSize;
    const { rate, p50, p99, copy, ofCopy } = ingest;
    console.log(`\n  ${senders} connections, ${batch} events a batch, an equal table\n`);
    console.log('  question          server                    events/s   p50 ms   p99 ms   of COPY');
    console.log(
      `  ${'recordUsageBatch'.padEnd(18)}${'tollgate'.padEnd(22)}${column(Math.round(rate), 12)}${column(Math.round(p50), 9)}${column(Math.round(p99), 9)}${column(ofCopy.toFixed(2), 10)}`,
    );
    console.log(
      `  ${'recordUsageBatch'.padEnd(18)}${'COPY'.padEnd(22)}${column(Math.round(copy), 12)}${column('', 18)}${column('1.00', 10)}`,
    );
  }
  if (webhooks) {
    console.log(`\n  ${webhookSenders} connections, each event another one\n`);
    console.log('  question          while                   requests/s   p50 ms   p99 ms   p99 of unlocked');
    for (const { question, server, rate, p50, p99, ofFree } of webhooks) {
      console.log(
        `  ${question.padEnd(18)}${server.padEnd(22)}${column(Math.round(rate), 12)}${column(p50.toFixed(1), 9)}${column(p99.toFixed(1), 9)}${column(ofFree.toFixed(2), 18)}`,
      );
    }
  }
  if (beside) {
    console.log('\n  a read of a quiet tenant beside a neighbour\n');
    console.log(
      '  neighbour           p50 ms   p99 ms   p99 alone   p99 of alone   refused   what the neighbour was answered',
    );
    for (const { kind, p50, p99, alone, ofAlone, refused, counts } of beside) {
      console.log(
        `  ${kind.padEnd(18)}${column(p50.toFixed(1), 8)}${column(p99.toFixed(1), 9)}${column(alone.toFixed(1), 12)}${column(ofAlone.toFixed(2), 15)}${column(refused, 10)}   ${JSON.stringify(counts)}`,
      );
    }
  }
  console.log();
  if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(report, null, 2));
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}
