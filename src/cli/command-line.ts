import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, CommanderError } from 'commander';
import { ConfigError, readConfig } from '../config';
import { demoSecrets } from '../platform/secrets';
import { signDemoToken } from '../platform/tokens';
import { demoEmail, demoIdentities, demoSubject } from '../seed/identities';
import type { BillOptions } from './bill';
import type { Gateway, Progress } from './gateway';
import { whenParentEnds } from './parent';
import type { ReconcileOptions } from './reconcile';
import { checkDataFolder, requireWorld } from './startup-problem';
import type { StripeSyncOptions } from './stripe-sync';

/** From dist/src/cli. */
const projectRoot = join(__dirname, '..', '..', '..');

const terminal = process.stderr.isTTY === true;

const progress: Progress = {
  line: (text) => process.stderr.write(`  ${text}\n`),
  bar: (what, steps) => {
    if (!terminal) {
      process.stderr.write(`  ${what} …\n`);
      return { advance: () => undefined, end: () => undefined };
    }
    const bar = new SingleBar({ format: `  ${what} {bar} {value}/{total}`, hideCursor: true, clearOnComplete: true });
    bar.start(steps, 0);
    return {
      advance: () => bar.increment(),
      end: () => {
        bar.stop();
        process.stderr.write(`  ${what}: done\n`);
      },
    };
  },
};

function firstScreen(gateway: Gateway, seconds: string, demo: boolean): string {
  const { url } = gateway;
  const lines = [
    '',
    `  Tollgate is ready in ${seconds} s on ${gateway.databaseAbout}.`,
    '',
    `    GraphQL     ${url}/graphql`,
    ...(demo ? [`    Playground  ${url}/`] : []),
    `    Health      ${url}/health/ready`,
    `    Metrics     ${gateway.metricsUrl ? `${gateway.metricsUrl}/metrics` : 'off: set METRICS_PORT or METRICS_TOKEN'}`,
    '',
  ];
  if (demo) {
    lines.push(
      '  Who you can be (npm run -s tollgate -- token <identity>):',
      ...demoIdentities.map(({ name, about }) => `    ${name.padEnd(28)}${about}`),
      '',
      '  Try: what does an upgrade in mid-period cost, with 20 % off?',
      '',
      `    curl -s ${url}/graphql -H 'content-type: application/json' \\`,
      `      -H "authorization: Bearer $(npm run -s tollgate -- token other-partner-tenant-admin)" \\`,
      `      -d '{"query":"{ prorationPreview(input: {plan: \\"pro_max\\", coupon: \\"UPGRADE20\\"}) { ... on ProrationPreview { unusedCredit { amount } newCharge { amount } discount { amount } net { amount } } ... on Refused { message } } }"}'`,
      '',
    );
  }
  lines.push('  Ctrl-C ends it.', '');
  return lines.join('\n');
}

async function serve(): Promise<void> {
  const started = performance.now();
  const config = readConfig();
  // Here, so that `--help` and `token` need not load the whole gateway.
  const { startGateway } = await import('./gateway.js');
  const gateway = await startGateway(config, progress);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stdout.write(`${firstScreen(gateway, seconds, config.mode === 'demo')}\n`);
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await gateway.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // Where npm is killed no signal comes from it.
  if (config.startedByNpm) whenParentEnds(stop);
}

async function token(identity: string): Promise<void> {
  const config = readConfig();
  const known = demoIdentities.find(({ name }) => name === identity);
  if (config.mode !== 'demo' || !known) {
    throw new ConfigError(
      config.mode === 'demo'
        ? `There is no demo identity ${identity}. There are: ${demoIdentities.map(({ name }) => name).join(', ')}.`
        : 'Tokens are made by your identity provider; only the demo makes its own.',
    );
  }
  requireWorld({ ...config, databaseUrl: undefined });
  const { identityKey } = await demoSecrets(config.dataFolder);
  process.stdout.write(`${await signDemoToken(identityKey, demoSubject(known.name), demoEmail(known.name))}\n`);
}

/** Runs SQL as the owner of a migrated database that is thrown away afterwards, or of DATABASE_URL. */
async function withOwner<T>(
  work: (
    query: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>,
    ownerUrl: string,
  ) => Promise<T>,
): Promise<T> {
  const config = readConfig();
  if (config.databaseUrl === undefined) checkDataFolder(config);
  const { openDatabase } = await import('../platform/open-database.js');
  const { Client } = await import('pg');
  const database = await openDatabase(
    config,
    async () => (await demoSecrets(config.dataFolder)).databasePassword,
    progress.line,
  );
  const owner = new Client({ connectionString: database.ownerUrl });
  try {
    await owner.connect();
    return await work(async (sql, values) => (await owner.query(sql, values)).rows, database.ownerUrl);
  } finally {
    await owner.end().catch(() => undefined);
    await database.close();
  }
}

async function dumpSchemaCommand(): Promise<void> {
  const { dumpSchema } = await import('../platform/schema-dump.js');
  const file = join(projectRoot, 'schema', 'database.sql');
  writeFileSync(file, await withOwner((query) => dumpSchema(query)));
  process.stdout.write(`wrote ${relative(process.cwd(), file)}\n`);
}

async function emitSchemaCommand(): Promise<void> {
  const { emitSchema } = await import('./emit-schema.js');
  const file = join(projectRoot, 'schema', 'schema.graphql');
  writeFileSync(file, emitSchema());
  process.stdout.write(`wrote ${relative(process.cwd(), file)}\n`);
}

async function migrateCommand(): Promise<void> {
  await withOwner(async () => process.stdout.write('the schema is up to date\n'));
}

async function createSuperAdminCommand(email: string): Promise<void> {
  const { createSuperAdmin } = await import('../access/create-super-admin.command.js');
  const { Client } = await import('pg');
  await withOwner(async (_query, ownerUrl) => {
    const owner = new Client({ connectionString: ownerUrl });
    await owner.connect();
    await createSuperAdmin(owner, email).finally(() => owner.end());
    process.stdout.write(`${email} is a super admin: the next verified login with this e-mail links the person\n`);
  });
}

async function stripeSyncCommand(options: StripeSyncOptions): Promise<void> {
  const { stripeSetupProblem, stripeSync } = await import('./stripe-sync.js');
  const { createLog } = await import('../platform/log.js');
  const config = readConfig();
  requireWorld(config);
  const { joinDatabase } = await import('../platform/open-database.js');
  const { Client } = await import('pg');
  const ownerPassword = async () => (await demoSecrets(config.dataFolder)).databasePassword;
  // Beside a gateway that runs, too.
  const database = await joinDatabase(config, ownerPassword, progress.line);
  const owner = new Client({ connectionString: database.ownerUrl });
  try {
    await owner.connect();
    const query = async (sql: string, values?: unknown[]) => (await owner.query(sql, values)).rows;
    const log = createLog(config.logLevel, config.secrets);
    const write = (line: string) => process.stdout.write(`${line}\n`);
    await stripeSync(config, query, log, options, write);
    const problem = await stripeSetupProblem(config, log);
    if (problem) write(problem);
  } finally {
    await owner.end().catch(() => undefined);
    await database.close();
  }
}

async function billCommand(options: BillOptions): Promise<void> {
  const config = readConfig();
  const { bill } = await import('./bill.js');
  const ending = new AbortController();
  // Twice: at once. What is being billed is rolled back then, and the next run bills it.
  const stop = () => (ending.signal.aborted ? process.exit(130) : ending.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.exitCode = await bill(config, options, progress, (text) => process.stdout.write(text), ending.signal);
}

async function checkCommand(): Promise<void> {
  const { check } = await import('./check.js');
  process.exitCode = await check(readConfig(), progress, (text) => process.stdout.write(text));
}

async function reconcileCommand(options: ReconcileOptions): Promise<void> {
  const config = readConfig();
  const { reconcile } = await import('./reconcile.js');
  process.exitCode = await reconcile(config, options, progress, (text) => process.stdout.write(text));
}

export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const program = new Command('tollgate')
    .description('A GraphQL billing gateway on PostgreSQL.')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  program.command('serve').description('start the gateway (npm start)').action(serve);
  program
    .command('token')
    .description('print a bearer token for an identity of the demo world')
    .argument('<identity>', demoIdentities.map(({ name }) => name).join(', '))
    .action(token);
  program
    .command('bill')
    .description('bill everything that is due; may run any number of times, also at once')
    .option('--as-of <date>', "up to the end of this day in each subscription's own time zone (default: now)")
    .option('--workers <count>', 'tenants billed at the same time', '4')
    .option('--partner <code>', "only this partner's tenants")
    .action(billCommand);
  program
    .command('check')
    .description('look at every invariant of the database; exits with 1 where something is found')
    .action(checkCommand);
  program
    .command('reconcile')
    .description("compare payments with the payment providers' own lists and print what differs")
    .option('--days <count>', 'how far back', '30')
    .option('--provider <name>', 'only this provider')
    .option('--repair', 'take over what the provider knows better: charges that came or were declined there')
    .action(reconcileCommand);
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL, or of the embedded database, up to date')
    .action(migrateCommand);
  program
    .command('create-super-admin')
    .description('make the first person of a new platform; everybody else is invited through the API')
    .argument('<email>', 'as the identity provider will verify it')
    .action(createSuperAdminCommand);
  program
    .command('stripe-sync')
    .description('show which products and prices Stripe lacks; with --apply, make, change and archive them')
    .option('--apply', 'do it')
    .option('--partner <code>', 'only what this partner sells')
    .action(stripeSyncCommand);
  program.command('emit-schema').description('write schema/schema.graphql from the code').action(emitSchemaCommand);
  program
    .command('dump-schema')
    .description('write schema/database.sql from a migrated database')
    .action(dumpSchemaCommand);
  await program.parseAsync([...argv]).catch((error) => {
    if (!(error instanceof CommanderError)) throw error;
    // Help and the version were asked for, and are no mistake.
    if (error.exitCode === 0) return;
    const what = error.message.replace(/^error: /, '').replaceAll(/\s+/g, ' ');
    throw new ConfigError(`${what}: npm run -s tollgate -- --help lists what there is.`);
  });
}
