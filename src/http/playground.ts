import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type FragmentDefinitionNode, Kind, type OperationDefinitionNode, parse, visit } from 'graphql';

export interface PlaygroundIdentity {
  readonly name: string;
  readonly about: string;
  readonly token: string;
}

export interface PlaygroundOptions {
  /** Demo identities and tokens for the identity bar; a function is asked each time, so that its tokens never end. */
  readonly identities: readonly PlaygroundIdentity[] | (() => Promise<readonly PlaygroundIdentity[]>);
}

/** From src/http in tests, from dist/src/http otherwise. */
const projectRoot = [join(__dirname, '..', '..'), join(__dirname, '..', '..', '..')].find((folder) =>
  existsSync(join(folder, 'package.json')),
)!;
const pageFolder = join(__dirname, '..', 'console');
const operationsFolder = join(projectRoot, 'schema', 'operations');
const guidesFolder = join(projectRoot, 'docs');

/** Packages hide their files from `require.resolve`, but not where they are. */
const packageFile = (name: string, ...path: string[]) =>
  join(dirname(require.resolve(`${name}/package.json`)), ...path);

const javascript = 'text/javascript; charset=utf-8';
const stylesheet = 'text/css; charset=utf-8';

/** What the page loads, by the name that its template calls it. */
const assetFiles = {
  'react.js': { type: javascript, file: () => packageFile('react', 'umd', 'react.production.min.js') },
  'react-dom.js': { type: javascript, file: () => packageFile('react-dom', 'umd', 'react-dom.production.min.js') },
  'graphiql.js': { type: javascript, file: () => packageFile('graphiql', 'graphiql.min.js') },
  'graphiql.css': { type: stylesheet, file: () => packageFile('graphiql', 'graphiql.min.css') },
  'playground.js': { type: javascript, file: () => join(pageFolder, 'playground.js') },
  'playground.css': { type: stylesheet, file: () => join(pageFolder, 'playground.css') },
  'icon.svg': { type: 'image/svg+xml', file: () => join(pageFolder, 'icon.svg') },
} as const;

interface Asset {
  readonly url: string;
  readonly type: string;
  readonly body: Buffer;
  /** Made when it is first asked for: the start does not wait for it. */
  gzipped?: Buffer;
}

const fingerprint = (content: string | Buffer) => createHash('sha256').update(content).digest('hex').slice(0, 16);

function loadAssets(): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(assetFiles).map(([name, { type, file }]) => {
      // Its source map is not served, so nobody should be sent to look for it.
      const body = Buffer.from(readFileSync(file(), 'utf8').replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'));
      return [name, { url: `/playground/assets/${fingerprint(body)}/${name}`, type, body }];
    }),
  );
}

/** How an operation is tried in the demo world: as whom, with which variables, and whether it has a tab from the start. */
interface Example {
  readonly as: string;
  readonly tab?: boolean;
  readonly variables: Record<string, unknown>;
}

export interface PlaygroundOperation extends Example {
  readonly name: string;
  readonly kind: string;
  /** The file it stands in, as words. */
  readonly group: string;
  /** The first sentence of the comment above it. */
  readonly about: string;
  /** With its comment before it and its fragments behind it: complete, also when it is copied elsewhere. */
  readonly text: string;
  /** The field of the answer that other examples take ids from. */
  readonly root: string;
}

interface Written<Node> {
  readonly node: Node;
  readonly text: string;
  readonly comment: readonly string[];
  readonly group: string;
}

function wordsOf(fileName: string): string {
  const words = fileName.replace(/\.graphql$/, '').replaceAll('-', ' ');
  return words[0]!.toUpperCase() + words.slice(1);
}

/** The operations of `schema/operations`, in the order of their examples. */
export function loadOperations(): PlaygroundOperation[] {
  const examples: Record<string, Example> = JSON.parse(readFileSync(join(operationsFolder, 'demo.json'), 'utf8'));
  const operations = new Map<string, Written<OperationDefinitionNode>>();
  const fragments = new Map<string, Written<FragmentDefinitionNode>>();
  for (const file of readdirSync(operationsFolder).filter((name) => name.endsWith('.graphql'))) {
    const source = readFileSync(join(operationsFolder, file), 'utf8');
    for (const node of parse(source).definitions) {
      const text = source.slice(node.loc!.start, node.loc!.end);
      const above = source.slice(0, node.loc!.start).split('\n').slice(0, -1);
      const comment = above.slice(above.findLastIndex((line) => !line.startsWith('#')) + 1);
      const written = { text, comment, group: wordsOf(file) };
      if (node.kind === Kind.OPERATION_DEFINITION) operations.set(node.name!.value, { ...written, node });
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, { ...written, node });
    }
  }

  function fragmentsOf(node: OperationDefinitionNode | FragmentDefinitionNode, found: Set<string>): Set<string> {
    visit(node, {
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value);
        if (!fragment || found.has(name.value)) return;
        found.add(name.value);
        fragmentsOf(fragment.node, found);
      },
    });
    return found;
  }

  return Object.entries(examples).flatMap(([name, example]) => {
    const operation = operations.get(name);
    if (!operation) return [];
    const { node, comment, text, group } = operation;
    const used = [...fragmentsOf(node, new Set())].map((fragment) => fragments.get(fragment)!.text);
    const sentences = comment.map((line) => line.replace(/^# ?/, '')).join(' ');
    const root = node.selectionSet.selections[0]!;
    return [
      {
        ...{ name, group, ...example },
        kind: node.operation,
        about: /^.*?[.?](?= |$)/.exec(sentences)?.[0] ?? sentences,
        text: `${[[...comment, text].join('\n'), ...used].join('\n\n')}\n`,
        root: root.kind === Kind.FIELD ? (root.alias ?? root.name).value : '',
      },
    ];
  });
}

/** Documents of this checkout, as they are written: a page that works without the internet cannot link to it. */
function loadGuides(): ReadonlyMap<string, string> {
  if (!existsSync(guidesFolder)) return new Map();
  const names = readdirSync(guidesFolder).filter((name) => name.endsWith('.md'));
  return new Map(names.map((name) => [name, readFileSync(join(guidesFolder, name), 'utf8')]));
}

const linkedGuides = [
  { file: 'playground.md', title: 'Guide' },
  { file: 'sdk.md', title: 'SDK' },
];

function pageOf(assets: ReadonlyMap<string, Asset>, guides: ReadonlyMap<string, string>): string {
  const operations = loadOperations();
  const contents = {
    fingerprint: fingerprint(JSON.stringify(operations)),
    guides: linkedGuides
      .filter(({ file }) => guides.has(file))
      .map(({ file, title }) => ({ title, href: `/docs/${file}` })),
    operations,
  };
  const template = readFileSync(join(pageFolder, 'playground.html'), 'utf8');
  return template.replaceAll(/\{\{([a-z.-]+)\}\}/g, (_whole, name: string) =>
    name === 'operations' ? JSON.stringify(contents).replaceAll('<', '\\u003c') : assets.get(name)!.url,
  );
}

/**
 * Nothing from elsewhere, and nothing that sends anything elsewhere; scripts from files only. Two things GraphiQL cannot do
 * without: its dialogs write a style element, and its style sheet carries its fonts as data URLs.
 */
const pagePolicy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  'font-src data:',
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function guarded(reply: FastifyReply, policy = "default-src 'none'; frame-ancestors 'none'"): FastifyReply {
  return reply
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('cross-origin-opener-policy', 'same-origin');
}

/** Addresses and this machine's own names. A name that somebody else's DNS points at this machine is not among them. */
function isOwnName(host: string): boolean {
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === hostname().toLowerCase() ||
    isIP(name.replace(/^\[|\]$/g, '')) !== 0
  );
}

/**
 * Tokens are for the gateway's own page only. A page of another origin cannot send the header without asking first, which
 * nobody answers; a browser says itself where a request comes from; and a page that reached us by pointing its own name at
 * this machine gives that name away in `Host`.
 */
function problemOf(request: FastifyRequest): string | undefined {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (request.headers['tollgate-playground'] !== '1') return 'This is for the playground page only.';
  if (site !== undefined && site !== 'same-origin') return 'This is for the playground page only.';
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 'This is for the playground page only.';
  }
  return isOwnName(host)
    ? undefined
    : 'Open the playground by address, e.g. http://127.0.0.1, to act as a demo identity.';
}

const refusal = (message: string, requestId: string) => ({
  errors: [{ message, extensions: { code: 'BAD_REQUEST', requestId } }],
});

/** The playground of the demo: a page, its assets, its identities, and the guides it links to. */
export function registerPlayground(fastify: FastifyInstance, options: PlaygroundOptions): void {
  const assets = loadAssets();
  const guides = loadGuides();
  const page = pageOf(assets, guides);
  const byUrl = new Map([...assets.values()].map((asset) => [asset.url, asset]));

  fastify.get('/', async (_request, reply) =>
    guarded(reply, pagePolicy).header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page),
  );

  fastify.get('/playground/assets/:fingerprint/:name', async (request, reply) => {
    const asset = byUrl.get(request.url.split('?')[0]!);
    if (!asset) return reply.callNotFound();
    guarded(reply).type(asset.type).header('cache-control', 'public, max-age=31536000, immutable');
    reply.header('vary', 'accept-encoding');
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(asset.body);
    asset.gzipped ??= gzipSync(asset.body);
    return reply.header('content-encoding', 'gzip').send(asset.gzipped);
  });

  fastify.get('/playground/identities', async (request, reply) => {
    guarded(reply).header('cache-control', 'no-store');
    const problem = problemOf(request);
    if (problem) return reply.status(403).send(refusal(problem, request.id));
    const { identities } = options;
    return { identities: typeof identities === 'function' ? await identities() : identities };
  });

  fastify.get<{ Params: { name: string } }>('/docs/:name', async (request, reply) => {
    const guide = guides.get(request.params.name);
    if (guide === undefined) return reply.callNotFound();
    return guarded(reply).type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(guide);
  });
}
