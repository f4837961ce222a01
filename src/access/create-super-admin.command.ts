import type { Client } from 'pg';
import { newId } from '../platform/new-id';
import { isEmail } from './membership';

/**
 * The first act on a new platform, done by the owner of the database: everybody else is invited through the API. Their
 * first verified login with this e-mail links the person. Doing it again changes nothing.
 */
export async function createSuperAdmin(owner: Pick<Client, 'query'>, email: string): Promise<string> {
  if (!isEmail(email)) throw new RangeError(`Not an e-mail address: ${email.slice(0, 100)}`);
  await owner.query(
    'insert into users (id, email, created_at) values ($1, $2, now()) on conflict (lower(email)) do nothing',
    [newId<'User'>(), email],
  );
  const { rows } = await owner.query('select id from users where lower(email) = lower($1)', [email]);
  await owner.query(`insert into user_roles (user_id, role) values ($1, 'SUPER_ADMIN') on conflict do nothing`, [
    rows[0].id,
  ]);
  return rows[0].id;
}
