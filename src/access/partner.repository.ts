import type { EntityManager } from 'typeorm';
import { timeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import type { Page, PageRequest } from '../core/page';
import { mapPage } from '../core/page';
import type { ProrationBasis } from '../core/proration';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import type { CouponOrder, Partner } from './partner';
import { PartnerEntity } from './partner.entity';

function fromRow(row: PartnerEntity): Partner {
  return {
    ...row,
    id: row.id as Id<'Partner'>,
    currency: row.currency as CurrencyCode,
    timeZone: timeZone(row.timeZone),
    prorationBasis: row.prorationBasis as ProrationBasis,
    couponOrder: row.couponOrder as CouponOrder,
    paymentNetDays: row.paymentNetDays ?? undefined,
  };
}

const rowsById = preparedRead(PartnerEntity, 'where id = $1');

export class PartnerRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the partner unless its code is taken: then `false`. */
  async insert(partner: Partner): Promise<boolean> {
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(PartnerEntity)
      .values({ ...partner })
      .orIgnore()
      .returning('id')
      .execute();
    return result.raw.length > 0;
  }

  async byId(id: string): Promise<Partner | undefined> {
    const [row] = await rowsById(this.manager, [id]);
    return row && fromRow(row);
  }

  async byIds(ids: readonly string[]): Promise<Partner[]> {
    const rows = await this.manager
      .createQueryBuilder(PartnerEntity, 'partner')
      .where('partner.id = any(:ids)', { ids })
      .getMany();
    return rows.map(fromRow);
  }

  /** `undefined`: nobody says (any more) when its invoices are due. */
  async setPaymentNetDays(id: string, days: number | undefined): Promise<void> {
    await this.manager.update(PartnerEntity, { id }, { paymentNetDays: days ?? null });
  }

  async page(request: PageRequest): Promise<Page<Partner>> {
    return mapPage(await readPage(this.manager.createQueryBuilder(PartnerEntity, 'partner'), request), fromRow);
  }
}
