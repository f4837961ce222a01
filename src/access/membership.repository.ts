import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { PartnerRole, TenantRole } from './actor';
import type { Member } from './membership';
import { PartnerUserEntity, ProfileEntity } from './membership.entity';

function fromRow(row: PartnerUserEntity | ProfileEntity): Member {
  return {
    userId: row.userId,
    email: row.email,
    name: row.name,
    role: row.role as PartnerRole | TenantRole,
    createdAt: row.createdAt,
  };
}

export class MembershipRepository {
  constructor(private readonly manager: EntityManager) {}

  /** The person with this e-mail; made when there is none. */
  async ensureUser(id: string, email: string, now: Instant): Promise<string> {
    const rows = await this.manager.query('select app.ensure_user($1, $2, $3) as id', [id, email, now.toString()]);
    return rows[0].id;
  }

  /** Puts the person into the partner, or gives them another role there. */
  async putPartnerUser(partnerId: string, member: Member): Promise<void> {
    await this.manager.query(
      `insert into partner_users (partner_id, user_id, role, email, name, created_at) values ($1, $2, $3, $4, $5, $6)
       on conflict (partner_id, user_id) do update set role = excluded.role, name = excluded.name`,
      [partnerId, member.userId, member.role, member.email, member.name, member.createdAt.toString()],
    );
  }

  async putProfile(tenantId: string, partnerId: string, member: Member): Promise<void> {
    await this.manager.query(
      `insert into profiles (tenant_id, user_id, partner_id, role, email, name, created_at)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (tenant_id, user_id) do update set role = excluded.role, name = excluded.name`,
      [tenantId, member.userId, partnerId, member.role, member.email, member.name, member.createdAt.toString()],
    );
  }

  /** A person of the tenant; `undefined`: not, or not any more. */
  async profile(tenantId: string, userId: string): Promise<Member | undefined> {
    const row = await this.manager.findOneBy(ProfileEntity, { tenantId, userId });
    return row ? fromRow(row) : undefined;
  }

  /** Takes the person out; `false` when the person was not in. */
  async removePartnerUser(partnerId: string, userId: string): Promise<boolean> {
    return (await this.manager.delete(PartnerUserEntity, { partnerId, userId })).affected === 1;
  }

  async removeProfile(tenantId: string, userId: string): Promise<boolean> {
    return (await this.manager.delete(ProfileEntity, { tenantId, userId })).affected === 1;
  }

  /** How many owners does the partner have left? The rows are locked, so that two owners cannot remove each other. */
  async lockOwners(partnerId: string): Promise<string[]> {
    const rows: { user_id: string }[] = await this.manager.query(
      `select user_id from partner_users where partner_id = $1 and role = 'OWNER' order by user_id for update`,
      [partnerId],
    );
    return rows.map((row) => row.user_id);
  }

  async partnerUsers(partnerId: string, request: PageRequest): Promise<Page<Member>> {
    const query = this.manager
      .createQueryBuilder(PartnerUserEntity, 'member')
      .where('member.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request, 'userId'), fromRow);
  }

  async profiles(tenantId: string, request: PageRequest): Promise<Page<Member>> {
    const query = this.manager
      .createQueryBuilder(ProfileEntity, 'member')
      .where('member.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request, 'userId'), fromRow);
  }
}
