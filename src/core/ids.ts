/**
 * Ids are UUIDv7 inside and opaque outside: `plan_06b2…`. The outer form is the kind's prefix and 26 characters of
 * Crockford base 32; a tenant's rows carry the tenant's id as well, so that a lookup goes to one shard. An id names a
 * row, it grants nothing.
 */
export type Id<Kind extends IdKind> = string & { readonly kind: Kind };

/** Kind → prefix, and whether the row belongs to a tenant (then two UUIDs are in the outer id). */
const kinds = {
  Partner: ['partner', false],
  User: ['user', false],
  ApiKey: ['apikey', false],
  Feature: ['feature', false],
  Plan: ['plan', false],
  PlanVersion: ['planversion', false],
  PlanPrice: ['price', false],
  Addon: ['addon', false],
  Coupon: ['coupon', false],
  Meter: ['meter', false],
  TaxRate: ['taxrate', false],
  WebhookEndpoint: ['webhook', false],
  WebhookDelivery: ['delivery', false],
  Event: ['event', false],
  LicenceProduct: ['licenceproduct', false],
  Tenant: ['tenant', false],
  Subscription: ['subscription', true],
  SubscriptionItem: ['item', true],
  SubscriptionChange: ['change', true],
  AddonSubscription: ['addonsub', true],
  PendingCoupon: ['pendingcoupon', true],
  CouponRedemption: ['redemption', true],
  EntitlementGrant: ['grant', true],
  Proration: ['proration', true],
  Invoice: ['invoice', true],
  InvoiceLine: ['line', true],
  CreditNote: ['creditnote', true],
  CreditNoteLine: ['creditline', true],
  BalanceEntry: ['balance', true],
  UsageThreshold: ['threshold', true],
  PaymentMethod: ['method', true],
  PaymentSetup: ['setup', true],
  Payment: ['payment', true],
  Refund: ['refund', true],
  Dispute: ['dispute', true],
  InboundEvent: ['inbound', false],
  Licence: ['licence', true],
  LicenceSeat: ['seat', true],
  LicencePurchase: ['licencepurchase', true],
  LicenceRefund: ['licencerefund', true],
  Checkout: ['checkout', true],
} as const;

export type IdKind = keyof typeof kinds;

export function isTenantKind(kind: IdKind): boolean {
  return kinds[kind][1];
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const outerPattern = /^([a-z]{3,16})_([0-9a-hjkmnp-tv-z]{26})([0-9a-hjkmnp-tv-z]{26})?$/;
const kindOfPrefix = new Map(Object.entries(kinds).map(([kind, [prefix]]) => [prefix as string, kind as IdKind]));

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

const dash = 45;
/** What a hexadecimal digit is worth, by its character's code. */
const hexValue = (code: number) => (code < 58 ? code - 48 : (code | 32) - 87);

/** Two empty bits and the UUID's 128, as 26 characters of five bits each. Long lists are full of ids, so it is done without BigInt. */
function encodeUuid(uuid: string): string {
  let text = '';
  let bits = 0;
  let held = 2;
  for (let index = 0; index < uuid.length; index += 1) {
    const code = uuid.charCodeAt(index);
    if (code === dash) continue;
    bits = (bits << 4) | hexValue(code);
    held += 4;
    if (held < 5) continue;
    held -= 5;
    text += alphabet[bits >> held]!;
    bits &= (1 << held) - 1;
  }
  return text;
}

function decodeUuid(text: string): string | undefined {
  let value = 0n;
  for (const character of text) value = (value << 5n) | BigInt(alphabet.indexOf(character));
  // 26 characters hold 130 bits: the first two must be empty, so that each UUID has one spelling only.
  if (value >> 128n !== 0n) return undefined;
  const hex = value.toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export interface DecodedId {
  readonly kind: IdKind;
  readonly uuid: string;
  /** Only for rows of a tenant. */
  readonly tenantUuid?: string;
}

export function encodeId(kind: IdKind, uuid: string, tenantUuid?: string): string {
  const [prefix, ofTenant] = kinds[kind];
  if (ofTenant && !tenantUuid) throw new RangeError(`an id of a ${kind} carries its tenant`);
  return `${prefix}_${ofTenant ? encodeUuid(tenantUuid!) : ''}${encodeUuid(uuid)}`;
}

/** `undefined` for anything that is not an id of ours; input is never trusted to be well formed. */
export function decodeId(text: string): DecodedId | undefined {
  if (text.length > 80) return undefined;
  const match = outerPattern.exec(text);
  const kind = match && kindOfPrefix.get(match[1]!);
  if (!match || !kind || isTenantKind(kind) !== (match[3] !== undefined)) return undefined;
  const first = decodeUuid(match[2]!);
  if (match[3] === undefined) return first ? { kind, uuid: first } : undefined;
  const second = decodeUuid(match[3]);
  return first && second ? { kind, uuid: second, tenantUuid: first } : undefined;
}
