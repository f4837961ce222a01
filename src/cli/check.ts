import { Client } from 'pg';
import type { Config } from '../config';
import { createLog } from '../platform/log';
import { joinDatabase } from '../platform/open-database';
import { demoSecrets } from '../platform/secrets';
import type { Progress } from './gateway';
import { requireWorld } from './startup-problem';
import { stripeSetupProblem } from './stripe-sync';
import { table } from './table';

interface Finding {
  readonly subject: string;
  readonly detail: string;
}

const shown = 20;

/** Looks at every invariant of the database; answers the process's exit code: 0 all hold, 1 something is found. */
export async function check(config: Config, progress: Progress, print: (text: string) => void): Promise<number> {
  requireWorld(config);
  const database = await joinDatabase(
    config,
    async () => (await demoSecrets(config.dataFolder)).databasePassword,
    progress.line,
  );
  const owner = new Client({ connectionString: database.ownerUrl, application_name: 'tollgate-check' });
  try {
    await owner.connect();
    const { rows: names } = await owner.query<{ name: string }>('select app.list_checks() as name');
    const bar = progress.bar('checking', names.length);
    const results: { readonly name: string; readonly found: number }[] = [];
    for (const { name } of names) {
      const { rows } = await owner.query<{ findings: string }>('select findings from app.run_check($1)', [name]);
      results.push({ name, found: Number(rows[0]!.findings) });
      bar.advance();
    }
    bar.end();
    const lines = table(
      ['check', 'found'],
      results.map(({ name, found }) => [name, found === 0 ? 'nothing' : String(found)]),
    );
    const bad = results.filter(({ found }) => found > 0);
    for (const { name, found } of bad) {
      // The names are those of views that `list_checks` answered.
      const { rows } = await owner.query<Finding>(`select subject, detail from ${name} limit ${shown}`);
      lines.push('', `${name}:`, ...rows.map(({ subject, detail }) => `  ${subject}: ${detail}`));
      if (found > rows.length) lines.push(`  … and ${found - rows.length} more`);
    }
    lines.push(
      '',
      bad.length === 0
        ? 'Everything holds.'
        : 'Next: read what each check means in docs/operations.md, mend the cause, and run this again. Nothing was changed.',
    );
    const setup = await stripeSetupProblem(config, createLog(config.logLevel, config.secrets));
    if (setup) lines.push(setup);
    print(`${lines.join('\n')}\n`);
    return bad.length === 0 ? 0 : 1;
  } finally {
    await owner.end().catch(() => undefined);
    await database.close();
  }
}
