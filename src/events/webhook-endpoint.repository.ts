import { type EntityManager, IsNull } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
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

  async page(partnerId: string, request: PageRequest): Promise<Page<WebhookEndpoint>> {
    const query = this.manager
      .createQueryBuilder(WebhookEndpointEntity, 'endpoint')
      .where('endpoint.partnerId = :partnerId and endpoint.deletedAt is null', { partnerId });
    return mapPage(await readPage(query, request), endpointFromRow);
  }
}
