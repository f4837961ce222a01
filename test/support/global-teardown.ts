import { rmSync } from 'node:fs';
import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../src/platform/embedded-postgres';

export default async function globalTeardown(): Promise<void> {
  const { embedded, folder, superuserUrl, template, outside } = (
    globalThis as unknown as {
      tollgateTest: {
        embedded?: EmbeddedPostgres;
        folder: string;
        superuserUrl: string;
        template: string;
        outside?: string;
      };
    }
  ).tollgateTest;
  if (outside) {
    const client = new Client({ connectionString: superuserUrl });
    await client.connect();
    await client.query(`drop database if exists ${template} with (force)`);
    await client.query(`drop database if exists ${template}_demo with (force)`);
    await client.end();
  }
  await embedded?.stop();
  if (embedded) rmSync(embedded.dataFolder, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
