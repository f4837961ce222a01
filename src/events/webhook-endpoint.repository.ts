import { type EntityManager, IsNull } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { newId } from '../platform/new-id';
import { readPage } from '../platform/paging';
import type { HealthAfter } from './retry-schedule';
import type { DisabledReason, EndpointStatus, WebhookEndpoint } from './webhook-endpoint';
import { WebhookEndpointEntity } from './webhook-endpoint.entity';

export function endpointFromRow(row: WebhookEndpointEntity): WebhookEndpoint {
  return {
    id: row.id as Id<'WebhookEndpoint'>,
    partnerId: row.partnerId as Id<'Partner'>,
    url: row.url,
    description: row.description,
    eventTypes: row.eventTypes,
    status: row.status as EndpointStatus,
    disabledReason: (row.disabledReason ?? undefined) as DisabledReason | undefined,
    secretNumber: row.secretNumber,
    previousSecretUntil: row.previousSecretUntil ?? undefined,
    failingSince: row.failingSince ?? undefined,
    version: row.version,
    createdAt: row.createdAt,
  };
}

/** An endpoint that one worker delivers to for now. */
export interface ClaimedEndpoint {
  readonly endpoint: WebhookEndpoint;
  readonly failures: number;
  readonly lease: string;
}

export class WebhookEndpointRepository {
  constructor(private readonly manager: EntityManager) {}

  /** How many endpoints are there? Holds the partner's row meanwhile, so that two at once do not both fit in. */
  async countForNew(partnerId: string): Promise<number> {
    await this.manager.query('select 1 from partners where id = $1 for no key update', [partnerId]);
    return this.manager.countBy(WebhookEndpointEntity, { partnerId, deletedAt: IsNull() });
  }

  async insert(endpoint: WebhookEndpoint): Promise<void> {
    await this.manager.insert(WebhookEndpointEntity, { ...endpoint, eventTypes: [...endpoint.eventTypes] });
  }

  async byId(partnerId: string, id: string): Promise<WebhookEndpoint | undefined> {
    const row = await this.manager.findOneBy(WebhookEndpointEntity, { partnerId, id, deletedAt: IsNull() });
    return row ? endpointFromRow(row) : undefined;
  }

  /**
   * Writes what can be changed when the row still has the version that was read; `false` when somebody was faster. Whoever
   * enables an endpoint means that it works again: what it failed before is forgotten.
   */
  async update(endpoint: WebhookEndpoint, forgetFailures: boolean): Promise<boolean> {
    const { partnerId, id, version, url, description, eventTypes, status, secretNumber } = endpoint;
    const { affected } = await this.manager.update(
      WebhookEndpointEntity,
      { partnerId, id, version, deletedAt: IsNull() },
      {
        ...{ url, description, eventTypes: [...eventTypes], status, secretNumber, version: version + 1 },
        disabledReason: endpoint.disabledReason ?? null,
        previousSecretUntil: endpoint.previousSecretUntil ?? null,
        ...(forgetFailures ? { failingSince: null, failures: 0, pausedUntil: null } : {}),
      },
    );
    return affected === 1;
  }

  /** Gone for everybody; the row and its deliveries are cleared away later, in small steps. */
  async remove(partnerId: string, id: string, now: Instant): Promise<void> {
    await this.manager.update(
      WebhookEndpointEntity,
      { partnerId, id, deletedAt: IsNull() },
      { deletedAt: now, status: 'DISABLED', disabledReason: 'BY_REQUEST' },
    );
  }

  /** Who wants a partner's events now? Asked by the relay. */
  async listeners(partnerId: string): Promise<{ readonly id: string; readonly eventTypes: readonly string[] }[]> {
    return this.manager.find(WebhookEndpointEntity, {
      select: { id: true, eventTypes: true },
      where: { partnerId, status: 'ENABLED', deletedAt: IsNull() },
    });
  }

  /**
   * Takes one endpoint that something is due for, the one that was served longest ago, for as long as the lease runs. A
   * partner has a few at a time: twenty endpoints that hang are one partner's trouble. Asked by the relay.
   */
  async claim(now: Instant, until: Instant, mostOfPartner: number): Promise<ClaimedEndpoint | undefined> {
    const lease = newId();
    const [rows]: [{ partner_id: string; id: string }[]] = await this.manager.query(
      `with due as materialized (
         select e.partner_id, e.id from webhook_endpoints e
          where e.status = 'ENABLED' and e.deleted_at is null
            and (e.leased_until is null or e.leased_until <= $1) and (e.paused_until is null or e.paused_until <= $1)
            and exists (select 1 from webhook_deliveries d where d.partner_id = e.partner_id and d.endpoint_id = e.id
                         and d.status = 'PENDING' and d.next_attempt_at <= $1)
            and (select count(*) from webhook_endpoints o
                  where o.partner_id = e.partner_id and o.leased_until > $1) < $4
          order by e.served_at nulls first, e.partner_id, e.id
          limit 1 for update skip locked
       )
       update webhook_endpoints e set lease = $2, leased_until = $3, served_at = $1
         from due where e.partner_id = due.partner_id and e.id = due.id
       returning e.partner_id, e.id`,
      [new Date(now.epochMilliseconds), lease, new Date(until.epochMilliseconds), mostOfPartner],
    );
    if (!rows[0]) return undefined;
    const { partner_id: partnerId, id } = rows[0];
    const row = await this.manager.findOneByOrFail(WebhookEndpointEntity, { partnerId, id });
    return { endpoint: endpointFromRow(row), failures: row.failures, lease };
  }

  /**
   * Gives a claimed endpoint back with what is known of its health now; answers whether that disabled it. Somebody who
   * changed the endpoint meanwhile meant another one than the one that failed: then nothing of it is written.
   */
  async giveBack({ endpoint, lease }: ClaimedEndpoint, health: HealthAfter | undefined): Promise<boolean> {
    const { partnerId, id, version } = endpoint;
    const none = { lease: null, leasedUntil: null };
    if (health) {
      const { affected } = await this.manager.update(
        WebhookEndpointEntity,
        { partnerId, id, version, lease, status: 'ENABLED', deletedAt: IsNull() },
        {
          ...none,
          failures: health.failures,
          failingSince: health.failingSince ?? null,
          pausedUntil: health.pausedUntil ?? null,
          ...(health.disabled ? { status: 'DISABLED', disabledReason: health.disabled, version: version + 1 } : {}),
        },
      );
      if (affected === 1) return health.disabled !== undefined;
    }
    await this.manager.update(WebhookEndpointEntity, { partnerId, id, lease }, none);
    return false;
  }

  /** Removes endpoints that were deleted before a time and have no deliveries left. Asked by the relay. */
  async clear(before: Instant): Promise<void> {
    await this.manager.query(
      `delete from webhook_endpoints e where e.deleted_at < $1 and not exists (
         select 1 from webhook_deliveries d where d.partner_id = e.partner_id and d.endpoint_id = e.id)`,
      [new Date(before.epochMilliseconds)],
    );
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<WebhookEndpoint>> {
    const query = this.manager
      .createQueryBuilder(WebhookEndpointEntity, 'endpoint')
      .where('endpoint.partnerId = :partnerId and endpoint.deletedAt is null', { partnerId });
    return mapPage(await readPage(query, request), endpointFromRow);
  }
}
