import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Client } from 'pg';
import { dataSourceFor } from '../../ormconfig';
import { createSuperAdmin } from '../../src/access/create-super-admin.command';
import { App } from '../../src/app';
import { Providers } from '../../src/payments/providers';
import { wallClock } from '../../src/platform/clock';
import { roleUrls } from '../../src/platform/database-setup';
import { createLog } from '../../src/platform/log';
import { createTextSigner } from '../../src/platform/signed-text';
import { verifierForDemo } from '../../src/platform/tokens';
import { webhookSecretsFrom } from '../../src/platform/webhook-signing';
import { seedDemo } from '../../src/seed/demo';
import { demoEmail } from '../../src/seed/identities';

/** Seeds the demo world into a migrated database; answers the key that its identities' tokens are signed with. */
export async function buildDemoWorld(ownerUrl: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const identityKey: JWK = { ...(await exportJWK(privateKey)), kid: 'test', alg: 'EdDSA' };
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  const superAdminId = await createSuperAdmin(owner, demoEmail('super-admin'));
  await owner.end();
  const urls = roleUrls(ownerUrl);
  const source = dataSourceFor({ url: urls.appUrl, poolSize: 2, name: 'seed' });
  await source.initialize();
  const app = new App({
    source,
    jobSource: source,
    inboxSource: source,
    providers: new Providers([]),
    clock: wallClock,
    verifier: verifierForDemo(identityKey),
    signer: createTextSigner('the demo world needs no quotes'),
    webhooks: { ...webhookSecretsFrom('the demo world has no webhooks'), allowLoopback: false },
    log: createLog('silent'),
  });
  await seedDemo(app, superAdminId, () => undefined);
  await source.destroy();
  return identityKey;
}
