import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Config, ConfigError } from '../config';
import { SetupError } from '../platform/setup-error';

/** One line of what to do about an error that ended the process; `undefined`: it is a fault of ours, and its stack is shown. */
export function startupProblem(error: unknown): string | undefined {
  if (error instanceof SetupError) return error.message;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'MODULE_NOT_FOUND') {
    return `A package is missing (${String(message).split('\n')[0]}): run npm ci, and start again.`;
  }
  return undefined;
}

/** Before anything is made: whether the folder of the data can be written. */
export function checkDataFolder({ dataFolder }: Pick<Config, 'dataFolder'>): void {
  try {
    mkdirSync(dataFolder, { recursive: true });
    accessSync(dataFolder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as { code?: string };
    throw new ConfigError(
      `The folder ${dataFolder} cannot be written (${code}): give this user the right to, or set DATA_DIR to another folder.`,
    );
  }
}

/** For commands about what is there: a folder without a world is a mistake in DATA_DIR, and no reason to make one. */
export function requireWorld({ dataFolder, databaseUrl }: Pick<Config, 'dataFolder' | 'databaseUrl'>): void {
  if (databaseUrl !== undefined || existsSync(join(dataFolder, 'secrets.json'))) return;
  throw new ConfigError(
    `There is no world in ${dataFolder} yet: start the gateway there first (npm start), or set DATA_DIR or DATABASE_URL to where one is.`,
  );
}

/** Before the database is made: whether the gateway will be able to listen where it was told to. */
export async function checkPort(host: string, port: number | undefined, variable: string): Promise<void> {
  if (!port) return;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port, exclusive: true }, resolve);
  }).catch((error) => {
    throw new ConfigError(listenProblem(error, host, port, variable));
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Why nothing can listen there, and what to do about it. */
export function listenProblem(error: { code?: string }, host: string, port: number, variable: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is taken: stop what listens there, or set ${variable} to another port (0: any that is free).`;
    case 'EACCES':
      return `This user may not listen on port ${port}: set ${variable} to one from 1024 on, or start as a user who may.`;
    default:
      return `${host} is no address of this machine to listen on (${error.code}): set HOST to 127.0.0.1, 0.0.0.0 or an address that it has.`;
  }
}
