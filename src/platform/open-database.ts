import { join } from 'node:path';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { dataSourceFor } from '../../ormconfig';
import type { Config } from '../config';
import { sqlState } from './database';
import { type GivenUrls, prepareRoles, type RoleUrls, withSetupLock } from './database-setup';
import { type EmbeddedPostgres, findRunningPostgres, startEmbeddedPostgres } from './embedded-postgres';

export interface OpenedDatabase extends RoleUrls {
  /** What is running: for the first screen. */
  readonly about: string;
  close(): Promise<void>;
}

/** The owner of the embedded cluster's database: not a superuser, like the owner of any other PostgreSQL. */
async function prepareEmbedded(embedded: EmbeddedPostgres, ownerPassword: string): Promise<string> {
  const admin = new Client({ connectionString: embedded.superuserUrl });
  await admin.connect();
  try {
    const exists = await admin.query(`select 1 from pg_roles where rolname = 'tollgate_owner'`);
    if (exists.rowCount === 0) {
      await admin.query(`create role tollgate_owner login createrole createdb password '${ownerPassword}'`);
    }
    const database = await admin.query(`select 1 from pg_database where datname = 'tollgate'`);
    if (database.rowCount === 0) await admin.query('create database tollgate owner tollgate_owner template template0');
  } finally {
    await admin.end();
  }
  return embeddedOwnerUrl(embedded.port, ownerPassword);
}

const embeddedOwnerUrl = (port: number, password: string) =>
  `postgresql://tollgate_owner:${password}@127.0.0.1:${port}/tollgate`;

/**
 * As `openDatabase`, for a command beside a gateway: where one runs on the embedded PostgreSQL, its server is used, and left
 * running.
 */
export async function joinDatabase(
  config: Config,
  ownerPassword: () => Promise<string>,
  progress: (line: string) => void,
): Promise<OpenedDatabase> {
  const port = config.databaseUrl ? undefined : await findRunningPostgres(join(config.dataFolder, 'database'));
  if (port === undefined) return openDatabase(config, ownerPassword, progress);
  const urls = await migrate(embeddedOwnerUrl(port, await ownerPassword()), {}, progress);
  return { ...urls, about: 'the PostgreSQL of the gateway that runs', close: async () => undefined };
}

/**
 * Partitions are made ahead of their months. Where somebody holds the table for long, the next start makes them: until then
 * the rest takes what they would have taken.
 */
async function makePartitions(source: DataSource): Promise<void> {
  await source
    .transaction(async (manager) => {
      await manager.query(`set local lock_timeout = '2s'`);
      await manager.query('call app.make_usage_partitions()');
    })
    .catch((error) => {
      if (sqlState(error) !== '55P03') throw error;
    });
}

/** Makes the roles and brings the schema up to date; several servers that start at once do it once. */
export async function migrate(ownerUrl: string, given: GivenUrls, progress: (line: string) => void): Promise<RoleUrls> {
  return withSetupLock(ownerUrl, async (client) => {
    const urls = await prepareRoles(client, ownerUrl, given);
    const source = dataSourceFor({ url: ownerUrl, poolSize: 1, name: 'migrate' });
    await source.initialize();
    try {
      const done = await source.runMigrations();
      if (done.length > 0) progress(`migrated the schema (${done.length} steps)`);
      await makePartitions(source);
    } finally {
      await source.destroy();
    }
    return urls;
  });
}

/** The outside PostgreSQL of DATABASE_URL, or the embedded one in DATA_DIR; migrated either way. */
export async function openDatabase(
  config: Config,
  ownerPassword: () => Promise<string>,
  progress: (line: string) => void,
): Promise<OpenedDatabase> {
  const given = {
    appUrl: config.databaseAppUrl,
    jobUrl: config.databaseJobUrl,
    queueUrl: config.databaseQueueUrl,
  };
  if (config.databaseUrl) {
    const urls = await migrate(config.databaseUrl, given, progress);
    const { host, pathname } = new URL(config.databaseUrl);
    return { ...urls, about: `PostgreSQL at ${host}${pathname}`, close: async () => undefined };
  }
  const embedded = await startEmbeddedPostgres({
    dataFolder: join(config.dataFolder, 'database'),
    durable: true,
    ...(config.postgresBinaries ? { binFolder: config.postgresBinaries } : {}),
    settings: { max_connections: String(config.poolSize * 2 + 40) },
    progress,
    // Without its database this process can answer nothing. It ends, so that its supervisor starts it again.
    onLost: (reason) => {
      progress(`${reason}: this process ends; see server.log in ${join(config.dataFolder, 'database')}`);
      process.exit(1);
    },
  });
  try {
    const urls = await migrate(await prepareEmbedded(embedded, await ownerPassword()), {}, progress);
    return { ...urls, about: `embedded PostgreSQL ${embedded.version}`, close: () => embedded.stop() };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}
