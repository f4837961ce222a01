import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { ApiKeyScope } from './actor';
import type { ApiKey } from './api-key';
import { ApiKeyEntity } from './api-key.entity';

function fromRow(row: ApiKeyEntity): ApiKey {
  return {
    id: row.id as Id<'ApiKey'>,
    partnerId: row.partnerId as Id<'Partner'>,
    tenantId: (row.tenantId ?? undefined) as Id<'Tenant'> | undefined,
    name: row.name,
    prefix: row.prefix,
    live: row.live,
    scopes: row.scopes as ApiKeyScope[],
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? undefined,
    revokedAt: row.revokedAt ?? undefined,
  };
}

export class ApiKeyRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(key: ApiKey, keyHash: Buffer, createdBy: string): Promise<void> {
    await this.manager.insert(ApiKeyEntity, { ...key, scopes: [...key.scopes], keyHash, createdBy });
  }

  async byId(partnerId: string, id: string): Promise<ApiKey | undefined> {
    const row = await this.manager.findOneBy(ApiKeyEntity, { partnerId, id });
    return row ? fromRow(row) : undefined;
  }

  async revoke(partnerId: string, id: string, now: Instant): Promise<void> {
    await this.manager.query(
      'update api_keys set revoked_at = $3 where partner_id = $1 and id = $2 and revoked_at is null',
      [partnerId, id, now.toString()],
    );
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<ApiKey>> {
    const query = this.manager
      .createQueryBuilder(ApiKeyEntity, 'key')
      .where('key.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }
}
