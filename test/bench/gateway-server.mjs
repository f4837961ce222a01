// The product itself, as `npm start` runs it, on the bench's database.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('reflect-metadata');
const { startGateway } = require('../../dist/src/cli/gateway.js');
const { readConfig } = require('../../dist/src/config.js');

const silent = { line: () => undefined, bar: () => ({ advance: () => undefined, end: () => undefined }) };
const gateway = await startGateway(readConfig(), silent);
process.send({ url: gateway.url });
process.on('SIGTERM', () => gateway.stop().then(() => process.exit(0)));
