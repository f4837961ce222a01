import { createDatabase } from '../support/database';

test('the schema migrates', async () => {
  const database = await createDatabase();
  const rows = await database.asOwner(`select count(*)::int as n from pg_tables where schemaname = 'public'`);
  expect(rows[0]!['n']).toBeGreaterThan(30);
  await database.drop();
});
