import type { PaymentProvider } from './provider';

export const driftKinds = [
  /** The provider charged, or bills, and nothing is known of it here. */
  'MISSING_HERE',
  /** It came, or is billed, by what is written here, and the provider has no such thing. */
  'MISSING_THERE',
  'AMOUNT_DIFFERS',
  'STATUS_DIFFERS',
  'REFUNDS_DIFFER',
  'DISPUTE_DIFFERS',
  /** Of a subscription: another number of seats is billed. */
  'QUANTITY_DIFFERS',
  /** Of a subscription: it is paid until another time, or ends where the other side goes on. */
  'PERIOD_DIFFERS',
  /** Nobody has known the outcome for a long time. */
  'UNKNOWN_FOR_LONG',
] as const;
export type DriftKind = (typeof driftKinds)[number];

export interface Drift {
  readonly kind: DriftKind;
  /** Of a payment, a licence purchase or a checkout. */
  readonly ownId?: string | undefined;
  /** Of a charge or a subscription. */
  readonly externalId?: string | undefined;
  readonly here: string;
  readonly there: string;
  /** It was brought in step: the provider knew more. */
  readonly repaired?: boolean | undefined;
  /** Nothing was changed, and a repair would bring it in step; else a person has to look. */
  readonly repairable?: boolean | undefined;
}

export interface Reconciliation {
  readonly provider: PaymentProvider['name'];
  readonly of: 'CHARGES' | 'MONEY_BACK' | 'CHECKOUTS' | 'SUBSCRIPTIONS';
  /** How many of them were compared. */
  readonly here: number;
  readonly there: number;
  readonly drift: readonly Drift[];
}

/** Whether what differs is brought in step, or only listed with what a repair would do. */
export interface Repairing {
  readonly repair?: boolean | undefined;
}

/** As a row of the list says it. */
export const mended = (can: boolean, { repair }: Repairing): Pick<Drift, 'repaired' | 'repairable'> =>
  repair ? { repaired: can } : { repairable: can };
