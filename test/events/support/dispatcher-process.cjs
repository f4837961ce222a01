// A dispatcher in a process of its own, to be killed: node dispatcher-process.cjs <job URL> <minutes its clock is ahead>
const { join } = require('node:path');

const dist = join(__dirname, '..', '..', '..', 'dist');
require('reflect-metadata');
const { dataSourceFor } = require(join(dist, 'ormconfig.js'));
const { instantFromMilliseconds } = require(join(dist, 'src', 'core', 'calendar.js'));
const { WebhookDispatcher } = require(join(dist, 'src', 'events', 'dispatch-webhooks.job.js'));
const { createLog } = require(join(dist, 'src', 'platform', 'log.js'));
const { webhookSecretsFrom } = require(join(dist, 'src', 'platform', 'webhook-signing.js'));
const { System } = require(join(dist, 'src', 'system.js'));

const [url, minutes] = process.argv.slice(2);
const clock = { now: () => instantFromMilliseconds(Date.now() + Number(minutes) * 60_000) };
const source = dataSourceFor({ url, poolSize: 6, name: 'dispatcher' });
source.initialize().then(() =>
  new WebhookDispatcher({
    system: new System(source, clock, createLog('silent')),
    webhooks: { ...webhookSecretsFrom('a key for the webhooks of the tests'), allowLoopback: true },
  }).start(),
);
