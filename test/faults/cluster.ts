import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { roleUrls } from '../../src/platform/database-setup';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres';
import { clusterPaths } from '../../src/platform/embedded-postgres-cluster';
import { migrate } from '../../src/platform/open-database';
import type { TestDatabase } from '../support/database';

/** A PostgreSQL of the harness's own, behind a wire whose port stays when the server comes back on another one. */
export interface Cluster {
  readonly database: TestDatabase;
  /** As `pg_ctl stop -m immediate`, and then it is started again. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

// What is told to be committed stays committed; only a crash of the whole machine would lose it.
const settings = { synchronous_commit: 'on', max_connections: '60' };

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-faults-'));
  chmodSync(folder, 0o755);
  const start = () => startEmbeddedPostgres({ dataFolder: join(folder, 'database'), durable: false, settings });
  let server: EmbeddedPostgres = await start();
  const sockets = new Set<Socket>();
  const wire = createServer((near) => {
    const far = connect(server.port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  wire.listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const url = new URL(server.superuserUrl);
  url.port = String((wire.address() as { port: number }).port);
  const withClient = async <T>(work: (client: Client) => Promise<T>, path = '/faults'): Promise<T> => {
    const place = new URL(url);
    place.pathname = path;
    const client = new Client({ connectionString: place.toString() });
    client.on('error', () => undefined);
    await client.connect();
    return work(client).finally(() => client.end().catch(() => undefined));
  };
  await withClient((client) => client.query('create database faults template template0'), '/postgres');
  const ownerUrl = new URL(url);
  ownerUrl.pathname = '/faults';
  await migrate(ownerUrl.toString(), {}, () => undefined);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    wire.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    database: {
      ...roleUrls(ownerUrl.toString()),
      name: 'faults',
      asOwner: async (sql, values) => withClient(async (client) => (await client.query(sql, values)).rows),
      drop: close,
    },
    crash: async () => {
      const lock = readFileSync(join(clusterPaths(server.dataFolder).data, 'postmaster.pid'), 'utf8');
      const postmaster = Number(lock.split('\n')[0]);
      if (!(postmaster > 1)) throw new Error(`no server to stop: ${lock}`);
      process.kill(postmaster, 'SIGQUIT');
      server = await start();
    },
    close,
  };
}
