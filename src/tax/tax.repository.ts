import { type EntityManager, In } from 'typeorm';
import type { Instant, LocalDate } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { newId } from '../platform/new-id';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import type { BillingParty, BillingSnapshot, TaxStatus } from './billing-details';
import type { TaxDecision, TaxEngine, TaxQuestion, TaxTreatment } from './tax';
import { BillingDetailsEntity, PartnerBillingDetailsEntity, TaxCategoryEntity, TaxRateEntity } from './tax.entity';
import { decideRates, type TaxedItem, type TaxRate } from './tax-rate';

function fromRow(row: TaxRateEntity): TaxRate {
  return {
    ...row,
    id: row.id as Id<'TaxRate'>,
    partnerId: row.partnerId as Id<'Partner'>,
    region: row.region ?? undefined,
    category: row.category ?? undefined,
    validTo: row.validTo ?? undefined,
  };
}

interface PartyRow {
  readonly legalName: string | null;
  readonly address: string[];
  readonly country: string | null;
  readonly region: string | null;
  readonly taxId: string | null;
  readonly email: string | null;
}

function partyFromRow(row: PartyRow | undefined): BillingParty | undefined {
  if (!row?.legalName || !row.country) return undefined;
  return {
    legalName: row.legalName,
    address: row.address,
    country: row.country,
    region: row.region ?? undefined,
    taxId: row.taxId ?? undefined,
    email: row.email ?? undefined,
  };
}

const buyerRows = preparedRead(BillingDetailsEntity, 'where tenant_id = $1 order by version desc limit 1');
const sellerRows = preparedRead(PartnerBillingDetailsEntity, 'where partner_id = $1 order by version desc limit 1');
/** What may hold in a country on a day. Few: one country's rates of one partner. */
const rateRows = preparedRead(
  TaxRateEntity,
  `where partner_id = $1 and country = $2 and valid_from <= $3 and (valid_to is null or valid_to > $3) limit 2000`,
);
const categoryRows = preparedRead(
  TaxCategoryEntity,
  'where partner_id = $1 and (plan_id = any($2) or addon_id = any($2))',
);

/** The partner's own rate tables: the first tax engine. */
export class TaxRepository implements TaxEngine {
  private readonly parties = new Map<string, Promise<BillingSnapshot & { readonly status: TaxStatus }>>();

  constructor(private readonly manager: EntityManager) {}

  /** Seller and buyer as they are now; a sale to somebody of whom no country is known is one in the seller's own. */
  async snapshot(tenantId: string, partnerId: string): Promise<BillingSnapshot & { readonly status: TaxStatus }> {
    // Written only by mutations of their own, so within a transaction that bills they stay as they are.
    let known = this.parties.get(tenantId);
    if (!known) {
      known = this.readSnapshot(tenantId, partnerId);
      this.parties.set(tenantId, known);
    }
    return known;
  }

  private async readSnapshot(tenantId: string, partnerId: string) {
    const [[buyer], [seller]] = await Promise.all([
      buyerRows(this.manager, [tenantId]),
      sellerRows(this.manager, [partnerId]),
    ]);
    return {
      seller: partyFromRow(seller),
      buyer: partyFromRow(buyer),
      status: {
        tenantId: tenantId as Id<'Tenant'>,
        treatment: (buyer?.taxTreatment ?? 'TAXABLE') as TaxTreatment,
        note: buyer?.taxNote ?? undefined,
      },
    };
  }

  async decide({ tenantId, partnerId, date }: TaxQuestion): Promise<TaxDecision> {
    const { seller, buyer, status } = await this.snapshot(tenantId, partnerId);
    const place = buyer ?? seller;
    const rows =
      place && status.treatment === 'TAXABLE'
        ? await rateRows(this.manager, [partnerId, place.country, date.toString()])
        : [];
    return decideRates(rows.map(fromRow), place, date, status.treatment, status.note);
  }

  /** Which of these plans and add-ons have a tax category of their own? */
  async categoriesOf(partnerId: string, catalogIds: readonly string[]): Promise<Map<string, string>> {
    if (catalogIds.length === 0) return new Map();
    const rows = await categoryRows(this.manager, [partnerId, catalogIds]);
    return new Map(rows.map((row) => [(row.planId ?? row.addonId)!, row.category]));
  }

  async setCategory(partnerId: string, item: TaxedItem, category: string | undefined): Promise<void> {
    const column = item.kind === 'PLAN' ? 'plan_id' : 'addon_id';
    if (category === undefined) {
      await this.manager.query(`delete from tax_categories where partner_id = $1 and ${column} = $2`, [
        partnerId,
        item.id,
      ]);
      return;
    }
    await this.manager.query(
      `insert into tax_categories (partner_id, id, ${column}, category) values ($1, $2, $3, $4)
       on conflict (partner_id, ${column}) do update set category = excluded.category`,
      [partnerId, newId(), item.id, category],
    );
  }

  /** Makes the rate unless one of this place and category begins on the same day: then `false`. */
  async insertRate(rate: TaxRate): Promise<boolean> {
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(TaxRateEntity)
      .values({ ...rate })
      .orIgnore()
      .returning('id')
      .execute();
    return result.raw.length > 0;
  }

  async ratesByIds(ids: readonly string[]): Promise<TaxRate[]> {
    return ids.length === 0 ? [] : (await this.manager.findBy(TaxRateEntity, { id: In([...ids]) })).map(fromRow);
  }

  async rateById(partnerId: string, id: string): Promise<TaxRate | undefined> {
    const row = await this.manager.findOneBy(TaxRateEntity, { partnerId, id });
    return row ? fromRow(row) : undefined;
  }

  /** The rate with its row locked to the end of the transaction. */
  async lockRate(partnerId: string, id: string): Promise<TaxRate | undefined> {
    await this.manager.query('select 1 from tax_rates where partner_id = $1 and id = $2 for update', [partnerId, id]);
    return this.rateById(partnerId, id);
  }

  async endRate(rate: TaxRate, validTo: LocalDate): Promise<TaxRate> {
    const { partnerId, id } = rate;
    const ended = { ...rate, validTo, version: rate.version + 1 };
    await this.manager.update(TaxRateEntity, { partnerId, id }, { validTo, version: ended.version });
    return ended;
  }

  async ratesPage(partnerId: string, request: PageRequest): Promise<Page<TaxRate>> {
    const query = this.manager
      .createQueryBuilder(TaxRateEntity, 'rate')
      .where('rate.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async seller(partnerId: string): Promise<BillingParty | undefined> {
    return partyFromRow((await sellerRows(this.manager, [partnerId]))[0]);
  }

  async setSeller(partnerId: string, party: BillingParty, now: Instant): Promise<void> {
    // Two at once write two versions, one after the other.
    await this.manager.query('select 1 from partners where id = $1 for no key update', [partnerId]);
    const [latest] = await sellerRows(this.manager, [partnerId]);
    await this.manager.insert(PartnerBillingDetailsEntity, {
      ...partyToRow(party),
      partnerId,
      version: (latest?.version ?? 0) + 1,
      createdAt: now,
    });
  }

  /** Writes the tenant's next version, under the tenant's lock; what is not named stays as it is. */
  async setBuyer(
    tenantId: string,
    partnerId: string,
    change: { readonly party?: BillingParty; readonly status?: TaxStatus },
    now: Instant,
  ): Promise<void> {
    const [latest] = await buyerRows(this.manager, [tenantId]);
    const { party, status } = change;
    await this.manager.insert(BillingDetailsEntity, {
      ...(latest ?? { address: [], taxTreatment: 'TAXABLE' }),
      ...(party && partyToRow(party)),
      ...(status && { taxTreatment: status.treatment, taxNote: status.note ?? null }),
      ...{ tenantId, partnerId, version: (latest?.version ?? 0) + 1, createdAt: now },
    });
    this.parties.delete(tenantId);
  }
}

function partyToRow({ legalName, address, country, region, taxId, email }: BillingParty) {
  return {
    ...{ legalName, country },
    address: [...address],
    region: region ?? null,
    taxId: taxId ?? null,
    email: email ?? null,
  };
}
