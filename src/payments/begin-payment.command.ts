import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import type { Id } from '../core/ids';
import { zero } from '../core/money';
import type { Invoice } from '../invoicing/invoice';
import type { Tx } from '../tx';
import { isAskedAlone, isTooLittle, takenAlong } from './carried-payments';
import { type Collection, isPolicyTurn } from './dunning';
import { endCollection } from './end-collection.command';
import { askHoldSeconds, type Charge } from './payment';
import { isAnswerOf, type PaymentMethod } from './payment-method';
import { isHardDecline } from './provider';
import { failTurn } from './settle-payment.command';
import { standingOfTenant } from './standing.query';

/** How soon a turn comes back at which nothing could be learnt. */
const lookAgainHours = 1;

export const isPayable = (invoice: Invoice) => invoice.status === 'FINALIZED' || invoice.status === 'UNCOLLECTIBLE';

type AttemptTx = Pick<Tx, 'payments' | 'invoices' | 'collections' | 'newId' | 'now' | 'wallNow' | 'emit'>;

/**
 * Writes the attempt to charge an invoice before anybody is asked: its id is the key under which the provider is asked, now
 * and after a crash. An attempt that is under way is answered as it is: there is one at a time.
 */
export async function writeAttempt(
  tx: AttemptTx,
  invoice: Invoice,
  method: PaymentMethod,
  carriedBy?: Id<'Payment'>,
): Promise<Charge> {
  const { tenantId, partnerId, id: invoiceId, amountDue: amount } = invoice;
  const payment: Charge = {
    id: tx.newId<'Payment'>(),
    ...{ tenantId, partnerId, invoiceId, amount, carriedBy },
    paymentMethodId: method.id,
    provider: method.provider,
    status: 'PENDING',
    asked: 0,
    askAt: carriedBy ? undefined : tx.wallNow.add({ seconds: askHoldSeconds }),
    refunded: zero(amount.currency),
    disputed: zero(amount.currency),
    createdAt: tx.now,
    firstAskedAt: tx.wallNow,
  };
  await tx.payments.insert(payment);
  const collection = await tx.collections.byInvoice(tenantId, invoiceId);
  // Its own turn begins with this attempt; one that was asked for earlier leaves the schedule as it is.
  if (collection?.dueAt && (carriedBy || isAtOrBefore(collection.dueAt, tx.now))) {
    await tx.collections.update({ ...collection, dueAt: undefined });
  }
  await tx.emit({ type: 'payment.created', payload: { payment } });
  return payment;
}

/**
 * As `writeAttempt`, at an invoice's turn: what was too little to be charged alone goes along, each invoice with a payment of its own.
 * Their amounts are what is asked for under this attempt's key, and stay so.
 */
export async function writeCarryingAttempt(tx: AttemptTx, invoice: Invoice, method: PaymentMethod): Promise<Charge> {
  const { tenantId, id, amountDue } = invoice;
  const others = await tx.payments.notCharged(tenantId, amountDue.currency, id);
  const isAlone = others.length === 0 || isAskedAlone(await tx.payments.lastCharge(tenantId, id));
  const waiting: Invoice[] = [];
  for (const other of isAlone ? [] : others) {
    const last = await tx.payments.lastCharge(tenantId, other);
    if (last && isTooLittle(last)) waiting.push((await tx.invoices.byId(tenantId, other))!);
  }
  const payment = await writeAttempt(tx, invoice, method);
  for (const other of takenAlong(amountDue, waiting, method.provider)) {
    await writeAttempt(tx, other, method, payment.id);
  }
  return payment;
}

/** It asks for another amount than is due by now, of its own invoice or of one that it carries along. */
async function isOutdated(tx: Tx, payment: Charge): Promise<boolean> {
  for (const { tenantId, invoiceId, amount } of [payment, ...(await tx.payments.carriedBy(payment))]) {
    const invoice = await tx.invoices.byId(tenantId, invoiceId);
    if (invoice?.amountDue.minor !== amount.minor) return true;
  }
  return false;
}

export interface Begun {
  readonly payment: Charge;
  /**
   * It waits for its customer to confirm a method that is not the default one any more, or another amount than is due by now: this one is
   * to be charged instead, with what is due.
   */
  readonly replaceWith?: Id<'PaymentMethod'> | undefined;
}

const isDue = ({ dueAt }: Collection, now: Instant) => dueAt !== undefined && isAtOrBefore(dueAt, now);

/** It was declined for good: this method is not asked for this invoice again, until it is renewed. */
const isRefusedBy = (method: PaymentMethod, last: Charge | undefined) =>
  last?.status === 'DECLINED' && isAnswerOf(method, last) && isHardDecline(last.declineCode);

/**
 * What the tenant has owed for longest goes first, whatever is due: once at each turn, so that a method which pays again pays the
 * oldest debt, and one which does not leaves the turn to its own invoice. One that waits for its customer is not waited for.
 */
async function olderFirst(
  tx: Tx,
  { turn, older, method }: { turn: Collection; older: Collection; method: PaymentMethod },
): Promise<Collection | undefined> {
  const { id: tenantId } = tx.tenant;
  if (await tx.payments.openOf(tenantId, older.invoiceId)) return undefined;
  if (isDue(older, tx.now)) return older;
  const last = await tx.payments.lastCharge(tenantId, older.invoiceId);
  if (isRefusedBy(method, last) || (last && !isBefore(last.createdAt, turn.dueAt!))) return undefined;
  return older;
}

/** Access is off: nothing is charged but what is owed longest, unless the partner wants it otherwise. */
async function isKeptBack(tx: Tx): Promise<boolean> {
  const { chargesWhileOff } = await tx.collections.policyOf(tx.tenant.partnerId);
  const { accessUntil } = await standingOfTenant(tx);
  return !chargesWhileOff && accessUntil !== undefined && isAtOrBefore(accessUntil, tx.now);
}

/** A due attempt, or the one that is under way; `undefined`: there is nothing (more) to charge, or nothing to charge it to. */
export async function beginPayment(
  tx: Tx,
  invoiceId: string,
  isUsable: (provider: PaymentMethod['provider'], sandbox: boolean) => boolean,
): Promise<Begun | undefined> {
  const { id: tenantId, sandbox } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const collection = await tx.collections.byInvoice(tenantId, invoiceId);
  const invoice = await tx.invoices.byId(tenantId, invoiceId);
  if (!collection || !invoice || collection.endedAt) return undefined;
  if (!isPayable(invoice)) {
    await endCollection(tx, invoice, invoice.status === 'PAID' ? 'PAID' : 'STOPPED');
    return undefined;
  }
  // Another worker was faster, or the clock was moved on: it is not due (any more).
  if (!isDue(collection, tx.now)) return undefined;
  const open = await tx.payments.openOf(tenantId, invoiceId);
  const method = await tx.paymentMethods.defaultOf(tenantId);
  if (open?.carriedBy) {
    // Another one's charge takes it along: its turns are those of that one.
    await tx.collections.update({ ...collection, dueAt: undefined });
    return undefined;
  }
  if (open) {
    // One that waits for its customer is only looked up: where nobody can say how it stands, or the worker dies, the turn comes
    // back.
    const dueAt = open.status === 'PENDING' ? undefined : tx.now.add({ hours: lookAgainHours });
    await tx.collections.update({ ...collection, dueAt });
    const isReplaced =
      open.status === 'REQUIRES_ACTION' &&
      method &&
      isUsable(method.provider, sandbox) &&
      (method.id !== open.paymentMethodId || (await isOutdated(tx, open)));
    return { payment: open, replaceWith: isReplaced ? method.id : undefined };
  }
  if (!method) {
    // What has begun goes on: nobody stops it by taking a method away.
    const isDunned = collection.failures > 0 || (await tx.collections.owesWithoutMethod(tenantId));
    if (isDunned) await failTurn(tx, invoice, collection, 'invoice.overdue');
    else await tx.collections.update({ ...collection, dueAt: undefined });
    return undefined;
  }
  if (!isUsable(method.provider, sandbox)) {
    // The provider is off for now; the tenant is not at fault.
    await tx.collections.update({ ...collection, dueAt: tx.now.add({ hours: 6 }) });
    return undefined;
  }
  const debt = await tx.collections.olderDebt(collection);
  const older = debt && (await olderFirst(tx, { turn: collection, older: debt, method }));
  if (older) {
    // It is not held any more: its turn comes right after this one.
    await tx.collections.update(collection);
    if (isDue(older, tx.now)) return beginPayment(tx, older.invoiceId, isUsable);
    const owed = await tx.invoices.byId(tenantId, older.invoiceId);
    if (owed && isPayable(owed)) return { payment: await writeCarryingAttempt(tx, owed, method) };
  }
  if (debt && (await isKeptBack(tx))) {
    await failTurn(tx, invoice, collection);
    return undefined;
  }
  const { partnerId, timeZone } = tx.tenant;
  if (
    isRefusedBy(method, await tx.payments.lastCharge(tenantId, invoiceId)) &&
    isPolicyTurn(collection, await tx.collections.policyOf(partnerId), tx.now, timeZone)
  ) {
    await failTurn(tx, invoice, collection);
    return undefined;
  }
  return { payment: await writeCarryingAttempt(tx, invoice, method) };
}
