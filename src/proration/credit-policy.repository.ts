import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { CreditBasis, CreditPolicy } from './credit-policy';
import { CreditPolicyEntity } from './credit-policy.entity';

export class CreditPolicyRepository {
  constructor(private readonly manager: EntityManager) {}

  /** What do the partner's credits go by now? */
  async current(partnerId: string): Promise<CreditPolicy> {
    const row = await this.manager.findOne(CreditPolicyEntity, { where: { partnerId }, order: { version: 'DESC' } });
    const id = partnerId as Id<'Partner'>;
    if (!row) return { partnerId: id, creditBasis: 'USAGE', version: 0 };
    const creditBasis = row.creditBasis as CreditBasis;
    return { partnerId: id, creditBasis, version: row.version, changedAt: row.createdAt };
  }

  /** Adds the next version of the policy; `false` when another request added it first. */
  async insert(policy: CreditPolicy, actorId: string | undefined, now: Instant): Promise<boolean> {
    const { partnerId, version, creditBasis } = policy;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(CreditPolicyEntity)
      .values({ partnerId, version, creditBasis, actorId: actorId ?? null, createdAt: now })
      .orIgnore()
      .returning('version')
      .execute();
    return result.raw.length > 0;
  }
}
