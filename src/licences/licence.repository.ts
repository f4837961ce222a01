import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { ProviderName } from '../payments/provider';
import { readPage } from '../platform/paging';
import type { Licence, LicenceSeat, LicenceSubscriptionEnd } from './licence';
import { LicenceEntity, LicenceSeatEntity, LicenceSubscriptionEndEntity } from './licence.entity';

function fromRow(row: LicenceEntity): Licence {
  return {
    ...row,
    id: row.id as Id<'Licence'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    productId: row.productId as Id<'LicenceProduct'>,
    replacedAt: row.replacedAt ?? undefined,
    turnsAt: row.turnsAt ?? undefined,
    accessFrom: row.accessFrom ?? undefined,
    providerSubscriptionId: row.providerSubscriptionId ?? undefined,
    providerSeats: row.providerSeats ?? undefined,
    providerChangedAt: row.providerChangedAt ?? undefined,
  };
}

function seatFromRow(row: LicenceSeatEntity): LicenceSeat {
  return {
    ...row,
    id: row.id as Id<'LicenceSeat'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    licenceId: row.licenceId as Id<'Licence'>,
    revokedAt: row.revokedAt ?? undefined,
  };
}

function endFromRow(row: LicenceSubscriptionEndEntity): LicenceSubscriptionEnd {
  return {
    ...row,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    provider: row.provider as ProviderName,
    purchaseId: row.purchaseId as Id<'LicencePurchase'>,
    endedAt: row.endedAt ?? undefined,
  };
}

export class LicenceRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(licence: Licence): Promise<void> {
    await this.manager.insert(LicenceEntity, { ...licence });
  }

  /** Writes what changes of a term. The caller holds the tenant's lock. */
  async update(licence: Licence): Promise<Licence> {
    const { tenantId, id, years, expiresAt, seats, autoRenew, version } = licence;
    await this.manager.update(
      LicenceEntity,
      { tenantId, id },
      {
        ...{ years, expiresAt, seats, autoRenew },
        replacedAt: licence.replacedAt ?? null,
        turnsAt: licence.turnsAt ?? null,
        accessFrom: licence.accessFrom ?? null,
        providerSubscriptionId: licence.providerSubscriptionId ?? null,
        providerSeats: licence.providerSeats ?? null,
        providerChangedAt: licence.providerChangedAt ?? null,
        version: version + 1,
      },
    );
    return { ...licence, version: version + 1 };
  }

  /** The provider bills this many from the next period on. The caller holds the tenant's lock. */
  async inStep(tenantId: string, id: string, providerSeats: bigint): Promise<void> {
    await this.manager.query(
      `update licences set provider_seats = $3, steps = 0, next_step_at = null, version = version + 1
        where tenant_id = $1 and id = $2`,
      [tenantId, id, providerSeats.toString()],
    );
  }

  /** Once for each subscription. */
  async insertEnd(end: LicenceSubscriptionEnd): Promise<void> {
    await this.manager
      .createQueryBuilder()
      .insert()
      .into(LicenceSubscriptionEndEntity)
      .values({ ...end })
      .orIgnore()
      .execute();
  }

  async endById(tenantId: string, id: string): Promise<LicenceSubscriptionEnd | undefined> {
    const row = await this.manager.findOneBy(LicenceSubscriptionEndEntity, { tenantId, id });
    return row ? endFromRow(row) : undefined;
  }

  async endBySubscription(
    tenantId: string,
    provider: ProviderName,
    providerSubscriptionId: string,
  ): Promise<LicenceSubscriptionEnd | undefined> {
    const key = { tenantId, provider, providerSubscriptionId };
    const row = await this.manager.findOneBy(LicenceSubscriptionEndEntity, key);
    return row ? endFromRow(row) : undefined;
  }

  async ended({ tenantId, id }: LicenceSubscriptionEnd, endedAt: Instant): Promise<void> {
    await this.manager.update(LicenceSubscriptionEndEntity, { tenantId, id }, { endedAt });
  }

  async byId(tenantId: string, id: string): Promise<Licence | undefined> {
    const row = await this.manager.findOneBy(LicenceEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  /** The last term of this product: running, or the one that a new one replaces. */
  async current(tenantId: string, productId: string): Promise<Licence | undefined> {
    const row = await this.manager
      .createQueryBuilder(LicenceEntity, 'licence')
      .where('licence.tenantId = :tenantId and licence.productId = :productId', { tenantId, productId })
      .andWhere('licence.replacedAt is null')
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  async hadTrial(tenantId: string, productId: string): Promise<boolean> {
    return this.manager.existsBy(LicenceEntity, { tenantId, productId, trial: true });
  }

  async bySubscription(tenantId: string, providerSubscriptionId: string): Promise<Licence | undefined> {
    const row = await this.manager
      .createQueryBuilder(LicenceEntity, 'licence')
      .where('licence.tenantId = :tenantId', { tenantId })
      .andWhere('licence.providerSubscriptionId = :providerSubscriptionId', { providerSubscriptionId })
      .orderBy('licence.id', 'DESC')
      .limit(1)
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /** Every term there ever was: what entitlements are rebuilt from. */
  async all(tenantId: string): Promise<Licence[]> {
    const rows = await this.manager
      .createQueryBuilder(LicenceEntity, 'licence')
      .where('licence.tenantId = :tenantId', { tenantId })
      .orderBy('licence.id')
      .limit(1_000)
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<Licence>> {
    const query = this.manager
      .createQueryBuilder(LicenceEntity, 'licence')
      .where('licence.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  /** Gives out one seat unless all are: one conditional update, so that no number of callers gives out more. */
  async takeSeat(tenantId: string, licenceId: string): Promise<boolean> {
    const rows: unknown[] = await this.manager.query(
      `with taken as (
         update licences set assigned = assigned + 1 where tenant_id = $1 and id = $2 and assigned < seats returning 1)
       select 1 from taken`,
      [tenantId, licenceId],
    );
    return rows.length === 1;
  }

  async insertSeat(seat: LicenceSeat): Promise<void> {
    await this.manager.insert(LicenceSeatEntity, { ...seat });
  }

  async seatOf(tenantId: string, licenceId: string, userId: string): Promise<LicenceSeat | undefined> {
    const row = await this.manager
      .createQueryBuilder(LicenceSeatEntity, 'seat')
      .where('seat.tenantId = :tenantId and seat.licenceId = :licenceId', { tenantId, licenceId })
      .andWhere('seat.userId = :userId and seat.revokedAt is null', { userId })
      .getOne();
    return row ? seatFromRow(row) : undefined;
  }

  /** Whoever has a seat, oldest first: a page of them. */
  private async holders(
    licence: Licence,
    most: number,
    except: string,
    after: string | undefined,
  ): Promise<LicenceSeat[]> {
    const { tenantId, id: licenceId } = licence;
    const query = this.manager
      .createQueryBuilder(LicenceSeatEntity, 'seat')
      .where('seat.tenantId = :tenantId and seat.licenceId = :licenceId', { tenantId, licenceId })
      .andWhere('seat.revokedAt is null and seat.userId <> :except', { except });
    if (after) query.andWhere('seat.id > :after', { after });
    return (await query.orderBy('seat.id').limit(most).getMany()).map(seatFromRow);
  }

  /** Carries the people of one term over to the next, oldest first: at most so many, and all but one. Answers how many. */
  async carrySeatsOver(
    from: Licence,
    to: Licence,
    { most, except }: { readonly most: bigint; readonly except: string },
    now: Instant,
    newId: () => string,
  ): Promise<bigint> {
    const batch = 1_000n;
    let carried = 0n;
    let after: string | undefined;
    while (carried < most) {
      const left = most - carried;
      const holders = await this.holders(from, Number(left < batch ? left : batch), except, after);
      if (holders.length === 0) break;
      await this.manager.query(
        `insert into licence_seats (tenant_id, id, partner_id, licence_id, user_id, email, assigned_at)
         select $1, seat.id, $2, $3, seat.user_id, seat.email, $4
           from unnest($5::uuid[], $6::uuid[], $7::text[]) as seat (id, user_id, email)`,
        [
          ...[to.tenantId, to.partnerId, to.id, now.toString(), holders.map(() => newId())],
          ...[holders.map(({ userId }) => userId), holders.map(({ email }) => email)],
        ],
      );
      carried += BigInt(holders.length);
      after = holders.at(-1)!.id;
    }
    await this.manager.query('update licences set assigned = assigned + $3 where tenant_id = $1 and id = $2', [
      ...[to.tenantId, to.id, carried.toString()],
    ]);
    return carried;
  }

  /** Takes a seat back; `false` when it was taken back already. */
  async revokeSeat(seat: LicenceSeat, revokedAt: Instant): Promise<boolean> {
    const rows: unknown[] = await this.manager.query(
      `with revoked as (
         update licence_seats set revoked_at = $3 where tenant_id = $1 and id = $2 and revoked_at is null
         returning tenant_id, licence_id),
       counted as (
         update licences l set assigned = l.assigned - 1 from revoked r where l.tenant_id = r.tenant_id and l.id = r.licence_id
         returning 1)
       select 1 from counted`,
      [seat.tenantId, seat.id, revokedAt.toString()],
    );
    return rows.length === 1;
  }

  /** Somebody has left the organisation: every seat they have is free again. Answers how many. */
  async revokeSeatsOf(tenantId: string, userId: string, revokedAt: Instant): Promise<number> {
    const rows: unknown[] = await this.manager.query(
      `with revoked as (
         update licence_seats set revoked_at = $3 where tenant_id = $1 and user_id = $2 and revoked_at is null
         returning tenant_id, licence_id),
       counted as (
         update licences l set assigned = l.assigned - 1 from revoked r where l.tenant_id = r.tenant_id and l.id = r.licence_id
         returning 1)
       select 1 from counted`,
      [tenantId, userId, revokedAt.toString()],
    );
    return rows.length;
  }

  async seatPage(
    tenantId: string,
    licenceId: string,
    filter: { readonly current: boolean; readonly userId?: string | undefined },
    request: PageRequest,
  ): Promise<Page<LicenceSeat>> {
    const query = this.manager
      .createQueryBuilder(LicenceSeatEntity, 'seat')
      .where('seat.tenantId = :tenantId and seat.licenceId = :licenceId', { tenantId, licenceId });
    if (filter.current) query.andWhere('seat.revokedAt is null');
    if (filter.userId) query.andWhere('seat.userId = :userId', { userId: filter.userId });
    return mapPage(await readPage(query, request), seatFromRow);
  }
}
