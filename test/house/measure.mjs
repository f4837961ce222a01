/**
 * `npm run house`: the structure of src/ in figures. Rooms, imports against their order, rooms that import each other, long
 * functions, full folders, lengths of files, names that are exported twice.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const ts = require('typescript');
const floors = require('./rooms.cjs');
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** The SDK's own types are generated. */
const isOurs = (file) => /\.tsx?$/.test(file) && !file.startsWith('src/sdk/generated');
const maxLines = 70;
const maxComplexity = 20;
const maxFiles = 30;

const filesBelow = (folder) =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    return statSync(join(root, path)).isDirectory() ? filesBelow(path) : [path];
  });

const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor])));
/** The longest entry that the path lies in: a folder within a room may be a room of its own. */
const roomOf = (file) =>
  [...floorOf.keys()]
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .sort((one, other) => other.length - one.length)[0];

const branches = new Set(
  [
    ...['IfStatement', 'ConditionalExpression', 'CaseClause', 'CatchClause', 'WhileStatement', 'DoStatement'],
    ...['ForStatement', 'ForOfStatement', 'ForInStatement'],
  ].map((kind) => ts.SyntaxKind[kind]),
);
const operators = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]);
const isBranch = (node) =>
  branches.has(node.kind) || (ts.isBinaryExpression(node) && operators.has(node.operatorToken.kind));

/** Cyclomatic complexity; a function within has its own. */
function complexityOf(node) {
  let count = 1;
  const look = (child) => {
    if (ts.isFunctionLike(child)) return;
    if (isBranch(child)) count += 1;
    ts.forEachChild(child, look);
  };
  ts.forEachChild(node, look);
  return count;
}

const nameOf = (node) =>
  node.name?.getText() ??
  (node.parent && ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : 'a callback');

function look(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line;
  const found = { path, lines: text.split('\n').length - 1, imports: [], functions: [], exported: [] };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier?.text.startsWith('.')) {
      found.imports.push(relative(root, resolve(root, dirname(path), node.moduleSpecifier.text)));
    }
    if (ts.isFunctionLike(node) && node.body) {
      const lines = lineOf(node.end) - lineOf(node.getStart()) + 1;
      found.functions.push({ name: `${path} ${nameOf(node)}`, lines, complexity: complexityOf(node) });
    }
    if (node.parent === source && node.name && ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) {
      found.exported.push(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

export function measure() {
  const files = filesBelow('src').filter(isOurs).map(look);
  const known = new Set(files.map(({ path }) => path));
  const fileOf = (path) => [`${path}.ts`, `${path}.tsx`, `${path}/index.ts`, path].find((each) => known.has(each));
  const arrows = files.flatMap(({ path, imports }) =>
    imports.flatMap((target) => {
      const to = fileOf(target);
      return to && roomOf(path) && roomOf(to) && roomOf(path) !== roomOf(to) ? [{ path, to }] : [];
    }),
  );
  const upward = arrows.filter(({ path, to }) => floorOf.get(roomOf(to)) <= floorOf.get(roomOf(path)));
  const pairs = new Set(arrows.map(({ path, to }) => `${roomOf(path)} ${roomOf(to)}`));
  const mutual = [...pairs].filter((pair) => {
    const [one, other] = pair.split(' ');
    return one < other && pairs.has(`${other} ${one}`);
  });
  const lengths = files.map(({ lines }) => lines).sort((one, other) => one - other);
  const functions = files.flatMap((file) => file.functions);
  const perFolder = new Map();
  for (const { path } of files) perFolder.set(dirname(path), (perFolder.get(dirname(path)) ?? 0) + 1);
  const homes = new Map();
  for (const { path, exported } of files) {
    for (const name of new Set(exported)) homes.set(name, [...(homes.get(name) ?? []), path]);
  }
  return {
    files: files.length,
    homeless: files.filter(({ path }) => !roomOf(path)).map(({ path }) => path),
    rooms: floorOf.size,
    upward: upward.map(({ path, to }) => `${path} → ${to}`),
    mutual: mutual.map((pair) => pair.replace(' ', ' ↔ ')),
    median: lengths[Math.floor(lengths.length / 2)],
    p90: lengths[Math.floor(lengths.length * 0.9)],
    long: functions.filter(({ lines }) => lines > maxLines).sort((one, other) => other.lines - one.lines),
    complex: functions
      .filter(({ complexity }) => complexity > maxComplexity)
      .sort((one, other) => other.complexity - one.complexity),
    full: [...perFolder].filter(([, count]) => count > maxFiles).map(([folder, count]) => `${folder}: ${count}`),
    twice: [...homes].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(', ')}`),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = measure();
  const rows = [
    ['files', found.files],
    ['rooms', found.rooms],
    ['files in no room', found.homeless.length],
    ['imports against the order of the rooms', found.upward.length],
    ['pairs of rooms that import each other', found.mutual.length],
    [`functions over ${maxLines} lines`, found.long.length],
    [`functions over complexity ${maxComplexity}`, found.complex.length],
    [`folders with more than ${maxFiles} files`, found.full.length],
    ['lines of a file, median', found.median],
    ['lines of a file, 90th percentile', found.p90],
    ['names exported by two files', found.twice.length],
  ];
  for (const [name, value] of rows) console.log(`${String(value).padStart(6)}  ${name}`);
  if (process.argv.includes('--list')) {
    const show = (title, lines) => lines.length > 0 && console.log(`\n${title}\n  ${lines.join('\n  ')}`);
    show('in no room', found.homeless);
    show('against the order', found.upward);
    show('import each other', found.mutual);
    show(
      'long',
      found.long.map(({ name, lines }) => `${lines} ${name}`),
    );
    show(
      'complex',
      found.complex.map(({ name, complexity }) => `${complexity} ${name}`),
    );
    show('full', found.full);
    show('named twice', found.twice);
  }
}
