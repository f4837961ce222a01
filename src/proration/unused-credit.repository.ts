import type { EntityManager } from 'typeorm';
import { type Instant, instantText, isBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type Money, money } from '../core/money';
import { newId } from '../platform/new-id';
import { fromStored, toStored } from '../platform/stored-value';
import { gatheredQuery } from '../platform/together';
import type { Subscription } from '../subscriptions/subscription';
import type { UnusedCredit, UnusedCreditFacts } from './unused-credit';

interface Row {
  readonly id: string;
  readonly facts: object;
  readonly amount: string;
  readonly currency: string;
}

export class UnusedCreditRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(
    { id: subscriptionId, tenantId, partnerId }: Pick<Subscription, 'id' | 'tenantId' | 'partnerId'>,
    credits: readonly Omit<UnusedCredit, 'id'>[],
    countedAt: Instant,
  ): Promise<void> {
    for (const { facts, amount } of credits) {
      const starts = facts.uses.map(({ counted }) => counted.start);
      await this.manager.query(
        `insert into unused_credits (tenant_id, id, partner_id, subscription_id, credited_at, feature_ids, window_start, amount,
           currency, facts, counted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          ...[tenantId, newId(), partnerId, subscriptionId, instantText(facts.at)],
          facts.uses.map(({ featureId }) => featureId),
          instantText(starts.reduce((first, one) => (isBefore(one, first) ? one : first))),
          ...[amount.minor.toString(), amount.currency, JSON.stringify(toStored(facts)), instantText(countedAt)],
        ],
      );
    }
  }

  /**
   * Which credits stand whose windows may have been added to since? Days of usage are looked at, not events. An hour is allowed for
   * transactions that were open then.
   */
  async mayHaveGrown(tenantId: string): Promise<UnusedCredit[]> {
    const rows = await gatheredQuery<Row>(
      this.manager,
      {
        text: `select c.id, c.facts, c.amount::text as amount, c.currency from unused_credits c
        where c.tenant_id = $1 and c.amount > 0
          and exists (select from usage_rollups r
                       where r.tenant_id = c.tenant_id and r.feature_id = any(c.feature_ids) and r.grain = 'DAY'
                         and r.bucket_start > c.window_start - interval '1 day' and r.bucket_start <= c.credited_at
                         and r.changed_at > c.counted_at - interval '1 hour')
        order by c.credited_at, c.id`,
        types: ['uuid'],
        columns: ['id', 'facts', 'amount', 'currency'],
      },
      [tenantId],
    );
    return rows.map(({ id, facts, amount, currency }) => ({
      id,
      facts: fromStored(facts) as UnusedCreditFacts,
      amount: money(BigInt(amount), currency as CurrencyCode),
    }));
  }

  /** So much of it was charged again. */
  async lower(tenantId: string, id: string, by: Money, countedAt: Instant): Promise<void> {
    await this.manager.query(
      'update unused_credits set amount = amount - $3, counted_at = $4 where tenant_id = $1 and id = $2',
      [tenantId, id, by.minor.toString(), instantText(countedAt)],
    );
  }
}
