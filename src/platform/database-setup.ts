import { createHmac } from 'node:crypto';
import { Client } from 'pg';
import { SetupError } from './setup-error';

/** The roles that migrations grant to, and the job queue's, which keeps a schema of its own. They belong to the server, not to a database. */
const roles = [
  { name: 'tollgate_app', about: 'requests', of: 'appUrl', variable: 'DATABASE_APP_URL', rights: 'connect' },
  { name: 'tollgate_job', about: 'cross-tenant jobs', of: 'jobUrl', variable: 'DATABASE_JOB_URL', rights: 'connect' },
  // It makes its own schema and reaches no other.
  {
    name: 'tollgate_queue',
    about: 'the job queue',
    of: 'queueUrl',
    variable: 'DATABASE_QUEUE_URL',
    rights: 'connect, create',
  },
] as const;

export interface RoleUrls {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly jobUrl: string;
  readonly queueUrl: string;
}

export interface GivenUrls {
  readonly appUrl?: string | undefined;
  readonly jobUrl?: string | undefined;
  readonly queueUrl?: string | undefined;
}

/** Something about the outside database that the operator has to change; the message says what. */
export class DatabaseSetupError extends SetupError {
  override readonly name = 'DatabaseSetupError';
}

/**
 * The password of a role follows from the owner's, so that several gateways on one server agree on it without a place to
 * share it. Where the URLs of the roles are configured, they are used as they are.
 */
function urlFor(ownerUrl: string, role: string): { url: string; password: string } {
  const url = new URL(ownerUrl);
  const password = createHmac('sha256', decodeURIComponent(url.password)).update(role).digest('base64url');
  url.username = role;
  url.password = password;
  return { url: url.toString(), password };
}

/** One lock for set-up and migrations, so that servers that start together do them once. */
const setupLock = 7_202_601;

export async function withSetupLock<T>(ownerUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    ...{ connectionString: ownerUrl, application_name: 'tollgate-setup' },
    // One that takes the connection and says nothing would hold the start for ever.
    connectionTimeoutMillis: 10_000,
  });
  try {
    await client.connect();
  } catch (error) {
    throw new DatabaseSetupError(connectProblem(ownerUrl, error as Error & { code?: string }));
  }
  try {
    await client.query('select pg_advisory_lock($1)', [setupLock]);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Why there is no connection as the owner, and what to do about it. */
function connectProblem(ownerUrl: string, { code, message }: Error & { code?: string }): string {
  const { host, pathname, username } = new URL(ownerUrl);
  switch (code) {
    case '28P01':
    case '28000':
      return `PostgreSQL at ${host} does not let ${username || 'nobody'} in: correct the user and the password in DATABASE_URL.`;
    case '3D000':
      return `PostgreSQL at ${host} has no database ${pathname.slice(1)}: make it (createdb), or correct DATABASE_URL.`;
    default:
      return `PostgreSQL at ${host}${pathname} cannot be reached (${message || code}): start it, or correct DATABASE_URL.`;
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = new Client({
    connectionString: url,
    application_name: 'tollgate-setup',
    connectionTimeoutMillis: 5_000,
  });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** The lock is this database's, the role is the server's: a gateway on another database may make it at the same time. */
async function createRole(client: Client, name: string): Promise<void> {
  try {
    await client.query(`create role ${name} login nosuperuser nocreatedb nocreaterole`);
  } catch (error) {
    const code = (error as { code?: string }).code;
    // 42710: it is there. 23505: it is just being made.
    if (code !== '42710' && code !== '23505') throw error;
  }
}

/** The URLs of the roles, where they are not configured. */
export function roleUrls(ownerUrl: string): RoleUrls {
  const [appUrl, jobUrl, queueUrl] = roles.map(({ name }) => urlFor(ownerUrl, name).url);
  return { ownerUrl, appUrl: appUrl!, jobUrl: jobUrl!, queueUrl: queueUrl! };
}

/** Makes the roles that are missing and returns how to connect as each. Called under the set-up lock. */
export async function prepareRoles(client: Client, ownerUrl: string, given: GivenUrls): Promise<RoleUrls> {
  const version = Number((await client.query('show server_version_num')).rows[0].server_version_num);
  if (version < 150_000) {
    throw new DatabaseSetupError(
      `PostgreSQL 15 or newer is needed, and this server is ${Math.floor(version / 10_000)}: set DATABASE_URL to a newer one.`,
    );
  }
  const urls: string[] = [];
  for (const { name, about, of, variable, rights } of roles) {
    const existing = (await client.query('select rolsuper, rolbypassrls from pg_roles where rolname = $1', [name]))
      .rows[0] as { rolsuper: boolean; rolbypassrls: boolean } | undefined;
    if (existing?.rolsuper || existing?.rolbypassrls) {
      throw new DatabaseSetupError(
        `The role ${name} (for ${about}) can bypass row-level security. Run: ALTER ROLE ${name} NOSUPERUSER NOBYPASSRLS;`,
      );
    }
    const wanted = given[of];
    const { url, password } = urlFor(ownerUrl, name);
    try {
      if (!existing) await createRole(client, name);
      // Only where it is needed: two gateways on one server that both alter the role would collide.
      if (!wanted && !(await canConnect(url))) {
        await client.query(`alter role ${name} login password '${password}'`);
      }
      await client.query(
        `do $$ begin execute format('grant ${rights} on database %I to ${name}', current_database()); end $$`,
      );
    } catch (error) {
      throw new DatabaseSetupError(
        `The user of DATABASE_URL may not make the role ${name} (${(error as Error).message}): give it CREATEROLE, ` +
          `or let an administrator run CREATE ROLE ${name} LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS; and set ${variable}.`,
      );
    }
    urls.push(wanted ?? url);
  }
  return { ownerUrl, appUrl: urls[0]!, jobUrl: urls[1]!, queueUrl: urls[2]! };
}
