import { dispatcherOf } from '../events/support/webhooks';
import type { TestGateway } from './gateway';

/** What breaks an invariant, by every check that there is. */
export async function findings(gateway: TestGateway): Promise<string[]> {
  const { database } = gateway;
  // Nobody sends events while a test lives.
  while ((await dispatcherOf(gateway).relay()) > 0);
  const names = await database.asOwner<{ name: string }>('select app.list_checks() as name');
  const found: string[] = [];
  for (const { name } of names) {
    await database.asOwner('select app.run_check($1)', [name]);
    const rows = await database.asOwner<{ subject: string; detail: string }>(`select * from ${name} limit 5`);
    found.push(...rows.map(({ subject, detail }) => `${name}: ${subject}: ${detail}`));
  }
  return found;
}
