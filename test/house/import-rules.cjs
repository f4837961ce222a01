/** Who may import whom (see src/README.md); read by test/house/imports.test.ts. A comment says the reason, in kind words. */
const pure = '^src/(?!graphql|http|cli|platform|seed|sdk|console)[a-z]+/[a-z-]+\\.ts$';
/** In the checkout itself, or where its `node_modules` is a link to. */
const packages = (...names) => `(^|/)node_modules/(${names.join('|')})/`;

module.exports = {
  forbidden: [
    {
      name: 'core-is-pure',
      comment: 'core/ knows only itself, decimal.js and Temporal: that is what makes its laws provable.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: ['^src/core/', packages('decimal\\.js', 'temporal-polyfill')] },
    },
    {
      name: 'nouns-are-pure',
      comment:
        'A file with no role in its name is pure: types and rules. Reads and writes go into a query, command or repository.',
      severity: 'error',
      from: { path: pure, pathNot: '^src/(core|sdk)/' },
      to: { pathNot: ['^src/core/', pure] },
    },
    {
      name: 'entities-are-columns',
      comment: 'An entity is columns only.',
      severity: 'error',
      from: { path: '\\.entity\\.ts$' },
      to: { pathNot: ['^src/core/', '^src/platform/columns', packages('typeorm'), pure] },
    },
    {
      name: 'one-entity-one-repository',
      comment:
        'Only repositories (and the list in ormconfig.ts) know entities; a neighbour’s table is read by SQL text in a join.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.(repository|entity)\\.ts$', '^src/platform/', '^src/tx\\.ts$'] },
      to: { path: '\\.entity\\.ts$' },
    },
    {
      name: 'repositories-load-and-save',
      comment: 'A repository knows its own entities, pure types and typeorm; it decides nothing.',
      severity: 'error',
      from: { path: '\\.repository\\.ts$' },
      to: { pathNot: ['^src/core/', pure, '\\.(entity|repository)\\.ts$', '^src/platform/', packages('typeorm')] },
    },
    {
      name: 'commands-load-decide-save',
      comment: 'A command or query reaches rows through its Tx; it knows no repository, no GraphQL, no HTTP.',
      severity: 'error',
      from: { path: '^src/(?!cli)[a-z]+/[a-z-]+\\.(command|query)\\.ts$' },
      to: {
        path: [
          '\\.(repository|entity|resolver|graphql|loaders)\\.ts$',
          '^src/(graphql|http|cli|app)',
          packages('typeorm'),
        ],
        // Looking up who asks happens before any Tx exists.
        pathNot: [],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'graphql-never-touches-the-database',
      comment: 'Types, resolvers and loaders go through a Tx that the context hands out.',
      severity: 'error',
      from: { path: ['\\.(graphql|resolver|loaders)\\.ts$', '^src/graphql/'] },
      to: { path: [packages('typeorm', 'pg'), '\\.(repository|entity)\\.ts$'] },
    },
    {
      name: 'platform-knows-no-domain',
      comment: 'platform/ is what any product could use: it may know core/, configuration and itself.',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: '^src/(?!platform|core|config)' },
    },
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one, or miss a third.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
