// Compiles src, migrations and ormconfig.ts into dist, file by file, only where the source is newer.
// swc rather than tsc: a full build is under a second, so `npm start` can always run what is on disk.
// Types are checked by `npm run types`, never here.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const dist = join(root, 'dist');

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );

const modifiedAt = (file) => {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
};

/** Two processes may build at once: each writes its own file and renames it into place. */
const replace = (file, content) => {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, file);
};

export async function build() {
  const sources = [
    ...filesBelow(join(root, 'src')),
    ...filesBelow(join(root, 'migrations')),
    join(root, 'ormconfig.ts'),
  ];
  const builtFrom = modifiedAt(fileURLToPath(import.meta.url));
  const wanted = new Set();
  const stale = [];
  for (const source of sources) {
    const isCode = source.endsWith('.ts');
    if (source.endsWith('.md') || source.endsWith('.mjs')) continue;
    const target = join(dist, relative(root, source)).replace(/\.ts$/, '.js');
    wanted.add(target);
    if (modifiedAt(target) < Math.max(modifiedAt(source), builtFrom)) stale.push({ source, target, isCode });
  }
  if (stale.length > 0) {
    const { transform } = await import('@swc/core');
    await Promise.all(
      stale.map(async ({ source, target, isCode }) => {
        const text = readFileSync(source);
        if (!isCode) return replace(target, text);
        const { code } = await transform(text.toString('utf8'), {
          swcrc: false,
          filename: source,
          sourceFileName: relative(dirname(target), source),
          sourceMaps: 'inline',
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', decorators: true },
            transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: false },
          },
          module: { type: 'commonjs' },
        });
        return replace(target, code);
      }),
    );
  }
  try {
    for (const file of filesBelow(dist)) if (file.endsWith('.js') && !wanted.has(file)) rmSync(file, { force: true });
  } catch {
    // A second build may have removed it first.
  }
  return stale.length;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const count = await build();
  console.log(count === 0 ? 'dist is up to date' : `compiled ${count} files into dist`);
}
