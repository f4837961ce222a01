import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { dataSourceFor } from '../../ormconfig';
import { prepareRoles, withSetupLock } from '../../src/platform/database-setup';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres';
import { buildDemoWorld } from './demo-world';

/**
 * One PostgreSQL for the whole run, on a free port with a data folder of its own; the schema is migrated once into a
 * template, and each test file clones it (20–30 ms).
 */
export default async function globalSetup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'));
  chmodSync(folder, 0o755);
  const outside = process.env.TEST_DATABASE_URL;
  const embedded = outside
    ? undefined
    : await startEmbeddedPostgres({
        dataFolder: join(folder, 'database'),
        durable: false,
        settings: { max_connections: '300', shared_buffers: '256MB' },
      });
  const superuserUrl = outside ?? embedded!.superuserUrl;
  const template = `tollgate_template_${process.pid}`;
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  await client.query(`create database ${template} template template0`);
  const ownerUrl = new URL(superuserUrl);
  ownerUrl.pathname = `/${template}`;
  await withSetupLock(ownerUrl.toString(), async (owner) => {
    await prepareRoles(owner, ownerUrl.toString(), {});
    const source = dataSourceFor({ url: ownerUrl.toString(), poolSize: 1, name: 'migrate' });
    await source.initialize();
    await source.runMigrations();
    await source.destroy();
  });
  // The demo world, too, is built once and cloned: through the commands, as `npm start` does it.
  const demoTemplate = `${template}_demo`;
  await client.query(`create database ${demoTemplate} template ${template}`);
  const demoUrl = new URL(superuserUrl);
  demoUrl.pathname = `/${demoTemplate}`;
  const identityKey = await buildDemoWorld(demoUrl.toString());
  await client.end();
  writeFileSync(join(folder, 'server.json'), JSON.stringify({ superuserUrl, template, demoTemplate, identityKey }));
  process.env.TOLLGATE_TEST_FOLDER = folder;
  Object.assign(globalThis, { tollgateTest: { embedded, folder, superuserUrl, template, outside } });
}
