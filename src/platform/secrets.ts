import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { SetupError } from './setup-error';

/** The demo's own secrets: made on first start, readable by their owner only. Production brings its own. */
export interface DemoSecrets {
  readonly quoteSecret: string;
  readonly databasePassword: string;
  /** Ed25519, private. */
  readonly identityKey: JWK;
}

export async function demoSecrets(dataFolder: string): Promise<DemoSecrets> {
  const file = join(dataFolder, 'secrets.json');
  if (existsSync(file)) return readSecrets(file);
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const secrets: DemoSecrets = {
    quoteSecret: randomBytes(32).toString('base64url'),
    databasePassword: randomBytes(24).toString('base64url'),
    identityKey: { ...(await exportJWK(privateKey)), kid: randomBytes(8).toString('hex'), alg: 'EdDSA' },
  };
  mkdirSync(dataFolder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  // Two that start at once: the later rename would change the keys under the first. Whoever is second reads.
  if (existsSync(file)) return demoSecrets(dataFolder);
  renameSync(draft, file);
  return secrets;
}

function readSecrets(file: string): DemoSecrets {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DemoSecrets;
  } catch {
    throw new SetupError(
      `${file} cannot be read: put it back from a backup, or set DATA_DIR to another folder for a new world.`,
    );
  }
}
