import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { Client, type ClientConfig } from 'pg';
import { type RoleUrls, roleUrls } from '../../src/platform/database-setup';

export interface TestDatabase extends RoleUrls {
  readonly name: string;
  /** Runs SQL as the owner, past all policies: to look at what is really there. */
  asOwner<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export interface ClonedDatabase extends TestDatabase {
  /** The same rows once more; nobody else may be connected to it meanwhile. */
  copy(): Promise<ClonedDatabase>;
}

export interface TestServer {
  readonly superuserUrl: string;
  readonly template: string;
  readonly demoTemplate: string;
  readonly identityKey: JWK;
}

export function testServer(): TestServer {
  return JSON.parse(readFileSync(join(process.env.TOLLGATE_TEST_FOLDER!, 'server.json'), 'utf8')) as TestServer;
}

/** A database of this test file's own, cloned from the migrated template; with the demo world in it where that is asked. */
export async function createDatabase(world: 'empty' | 'demo' = 'empty'): Promise<ClonedDatabase> {
  const templates = testServer();
  return cloneOf(world === 'demo' ? templates.demoTemplate : templates.template);
}

async function cloneOf(template: string): Promise<ClonedDatabase> {
  const { superuserUrl } = testServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: superuserUrl });
  await admin.connect();
  // The template may be in use by another clone for a moment.
  for (let attempt = 0; ; attempt += 1) {
    try {
      await admin.query(`create database ${name} template ${template}`);
      break;
    } catch (error) {
      if (attempt > 200 || (error as { code?: string }).code !== '55006') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 50));
    }
  }
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  const connect = async () => {
    const client = new Client({ connectionString: url.toString(), pipeline: true } as ClientConfig);
    await client.connect();
    return client;
  };
  let owner = await connect();
  return {
    ...roleUrls(url.toString()),
    name,
    asOwner: async (sql, values) => (await owner.query(sql, values)).rows,
    copy: async () => {
      await owner.end();
      const copied = await cloneOf(name);
      owner = await connect();
      return copied;
    },
    drop: async () => {
      await owner.end();
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
    },
  };
}
