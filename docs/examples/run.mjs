// Runs one of these examples: node docs/examples/run.mjs change-plan
// Node does not read TypeScript by itself, so the example is compiled beside the gateway's own build first.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from '@swc/core';
import { build } from '../../src/cli/build.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const name = process.argv[2] ?? 'change-plan';
const { TOLLGATE_URL: url, TOLLGATE_TOKEN: token, TOLLGATE_PLAN: plan = 'enterprise' } = process.env;
if (!url || !token || !/^[a-z-]+$/.test(name)) {
  process.stderr.write('Usage: TOLLGATE_URL=… TOLLGATE_TOKEN=… node docs/examples/run.mjs change-plan\n');
  process.exit(2);
}
await build();
const compiled = resolve(folder, '..', '..', 'dist', 'docs', 'examples', `${name}.js`);
const { code } = await transform(readFileSync(join(folder, `${name}.ts`), 'utf8'), {
  swcrc: false,
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs' },
});
mkdirSync(dirname(compiled), { recursive: true });
writeFileSync(compiled, code);
const { main } = await import(pathToFileURL(compiled));
const { outcome } = await main({ url, token, plan });
process.exitCode = outcome === 'changed' ? 0 : 1;
