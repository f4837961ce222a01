import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Money } from '../../core/money';
import type { MoneyBackFact, ProviderCharge } from '../provider';

/** A charge as the fake really made it, whatever its caller heard of it. */
export interface FakeCharge {
  readonly chargeId: string;
  readonly key: string;
  readonly reference: string;
  readonly amount: Money;
  readonly refunded: Money;
  readonly status: ProviderCharge['status'];
  readonly code?: string | undefined;
  readonly customerId: string;
  readonly methodId: string;
  /** A ledger that was begun before has none. */
  readonly description?: string | undefined;
  /** Milliseconds. */
  readonly createdAt: number;
}

/** A refund or a dispute as it stands there. */
interface FakeMoneyBack {
  readonly fact: MoneyBackFact;
  /** Milliseconds: when it moved last. */
  readonly at: number;
}

type Entry =
  | { readonly charge: FakeCharge }
  | { readonly moneyBack: FakeMoneyBack }
  | { readonly answer: { readonly key: string; readonly asked: string; readonly said: unknown } };

const idOf = (fact: MoneyBackFact) => (fact.kind === 'REFUND' ? fact.refundId : fact.disputeId);

const asText = (_name: string, value: unknown) => (typeof value === 'bigint' ? { $bigint: value.toString() } : value);
const fromText = (_name: string, value: unknown) =>
  value !== null && typeof value === 'object' && '$bigint' in value
    ? BigInt((value as { $bigint: string }).$bigint)
    : value;

/**
 * The true list of charges, and what was answered under each key. In memory; or in a file that only grows and that several
 * processes share, so that it outlives whoever charged.
 */
export class FakeLedger {
  readonly charges = new Map<string, FakeCharge>();
  /** By its own id. */
  readonly moneyBack = new Map<string, FakeMoneyBack>();
  private readonly answers = new Map<string, { readonly asked: string; readonly said: unknown }>();
  private read = 0;

  constructor(private readonly file?: string) {
    this.refresh();
  }

  /** What other processes have written since. */
  refresh(): void {
    if (!this.file || !existsSync(this.file)) return;
    const handle = openSync(this.file, 'r');
    try {
      const { size } = fstatSync(handle);
      if (size === this.read) return;
      const bytes = Buffer.alloc(size - this.read);
      readSync(handle, bytes, 0, bytes.length, this.read);
      const whole = bytes.lastIndexOf(10) + 1;
      this.read += whole;
      for (const line of bytes.subarray(0, whole).toString('utf8').split('\n')) {
        if (line) this.keep(JSON.parse(line, fromText) as Entry);
      }
    } finally {
      closeSync(handle);
    }
  }

  private keep(entry: Entry): void {
    if ('charge' in entry) this.charges.set(entry.charge.chargeId, entry.charge);
    else if ('moneyBack' in entry) this.moneyBack.set(idOf(entry.moneyBack.fact), entry.moneyBack);
    else this.answers.set(entry.answer.key, entry.answer);
  }

  private write(entry: Entry): void {
    if (this.file) {
      appendFileSync(this.file, `${JSON.stringify(entry, asText)}\n`, { mode: 0o600 });
      this.refresh();
    } else {
      this.keep(entry);
    }
  }

  put(charge: FakeCharge): void {
    this.write({ charge });
  }

  putBack(fact: MoneyBackFact, at: number): void {
    this.write({ moneyBack: { fact, at } });
  }

  /** What was done under a key; `undefined`: nothing. */
  answerTo<T>(key: string): T | undefined {
    this.refresh();
    return this.answers.get(key)?.said as T | undefined;
  }

  /** The same key is the same act: done once, answered the same. Another request under it is a fault of the caller. */
  once<T>(key: string, request: object, act: () => T): T {
    this.refresh();
    const asked = JSON.stringify(request, asText);
    const known = this.answers.get(key);
    if (known && known.asked !== asked) throw new Error('an idempotency key was used for another request');
    if (known) return known.said as T;
    const said = act();
    this.write({ answer: { key, asked, said } });
    return said;
  }
}
