import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationInterface, QueryRunner } from 'typeorm';

type MigrationClass = new () => MigrationInterface;

const fileName = /^(\d{13})-([a-z][a-z0-9-]*)\.sql$/;

/** Each `<millis>-<name>.sql` is one migration: tables, indexes, policies and grants together, in one transaction. */
function migrationOf(folder: string, file: string): MigrationClass {
  const match = fileName.exec(file);
  if (!match) throw new Error(`${file}: a migration is named <13 digits of milliseconds>-<name>.sql`);
  const sql = readFileSync(join(folder, file), 'utf8');
  const name =
    match[2]!
      .split('-')
      .map((word) => word[0]!.toUpperCase() + word.slice(1))
      .join('') + match[1];
  return class implements MigrationInterface {
    readonly name = name;
    async up(runner: QueryRunner): Promise<void> {
      // A migration never makes requests wait: it gives up instead, and is tried again.
      await runner.query(`set local lock_timeout = '2s'`);
      await runner.query(sql);
    }
    async down(): Promise<void> {
      throw new Error('Migrations go forward only: write the next one instead.');
    }
  };
}

export const migrations: MigrationClass[] = readdirSync(__dirname)
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => migrationOf(__dirname, file));
