// Baseline 1: node:http and pg, nothing else.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { answersFrom } from './answers.mjs';

const { Pool } = createRequire(import.meta.url)('pg');
const { url, ids } = JSON.parse(process.argv[2]);
const answers = answersFrom(new Pool({ connectionString: url, max: 20 }), ids);

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const { query, variables } = JSON.parse(Buffer.concat(parts).toString());
    const data = query.includes('EntitlementCheck(')
      ? { entitlementCheck: await answers.entitlementCheck(variables.feature) }
      : query.includes('query Addons')
        ? { addons: await answers.addons() }
        : { prorationPreview: await answers.prorationPreview(variables.input.plan) };
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify({ data }));
  });
});
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
