import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { SelfServicePolicy, SelfServiceRight } from './self-service';
import { SelfServicePolicyEntity } from './self-service-policy.entity';

export class SelfServicePolicyRepository {
  constructor(private readonly manager: EntityManager) {}

  /** What the partner allows its tenants now. */
  async current(partnerId: string): Promise<SelfServicePolicy> {
    const row = await this.manager.findOne(SelfServicePolicyEntity, {
      where: { partnerId },
      order: { version: 'DESC' },
    });
    const id = partnerId as Id<'Partner'>;
    if (!row) return { partnerId: id, allowed: [], version: 0 };
    const allowed = row.allowed as SelfServiceRight[];
    return { partnerId: id, allowed, version: row.version, changedAt: row.createdAt };
  }

  /** Adds the next version of the policy; `false` when another request added it first. */
  async insert(policy: SelfServicePolicy, actorId: string | undefined, now: Instant): Promise<boolean> {
    const { partnerId, version } = policy;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(SelfServicePolicyEntity)
      .values({ partnerId, version, allowed: [...policy.allowed], actorId: actorId ?? null, createdAt: now })
      .orIgnore()
      .returning('version')
      .execute();
    return result.raw.length > 0;
  }
}
