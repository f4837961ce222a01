// `npm test`: everything, in the order in which a failure is cheapest to find, with a table at the end.
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name, file) => [process.execPath, join(root, 'node_modules', name, file)];

const steps = [
  { name: 'types', command: [...bin('typescript', 'bin/tsc')] },
  { name: 'lint', command: [...bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings', '.'] },
  // House rules, unit, property, database, GraphQL and scenario tests: one runner, one PostgreSQL.
  { name: 'tests', command: [...bin('jest', 'bin/jest.js'), ...process.argv.slice(2)] },
];

function run({ command: [program, ...args] }) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' });
    child.on('close', (code) => done(code ?? 1));
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  });
}

const results = [];
for (const step of steps) {
  const started = Date.now();
  const code = await run(step);
  results.push({ ...step, code, seconds: ((Date.now() - started) / 1000).toFixed(1) });
  if (code !== 0) break;
}
process.stdout.write('\n');
for (const { name, code, seconds } of results) {
  process.stdout.write(`  ${code === 0 ? 'passed' : 'FAILED'}  ${name.padEnd(8)} ${seconds} s\n`);
}
process.exitCode = results.every(({ code }) => code === 0) && results.length === steps.length ? 0 : 1;
