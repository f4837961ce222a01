import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type Document, type TenantOfWorld, World } from '../support/world';

/*
 * Random lives of tenants, each held after every step against a model that knows whole cents, whole days and nothing of the
 * code it checks. A failure is shrunk, and prints its seed: SEED=<seed> npx jest test/invoicing/model. Longer: RUNS=1000 npx jest …
 */
const seed = Number(process.env.SEED ?? 20_261_121);
const lanes = 4;
const runs = Number(process.env.RUNS ?? 60);
const longest = 40;

const prices = { small: 1_900n, middle: 4_999n, large: 14_900n, extra: 3_333n, seats: 1_000n } as const;
type Plan = 'small' | 'middle' | 'large';
type Addon = 'extra' | 'seats';
const coupons = { ONCE20: { percent: 20n, periods: 1 }, THRICE10: { percent: 10n, periods: 3 } } as const;
type Code = keyof typeof coupons;
const taxPercent = 19n;

// Arithmetic of the model's own.
const half = (above: bigint, below: bigint): bigint => {
  const size = above < 0n ? -above : above;
  const whole = (2n * size + below) / (2n * below);
  return above < 0n ? -whole : whole;
};
const least = (...values: bigint[]) => values.reduce((one, other) => (one < other ? one : other));
const sumOf = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);
function split(whole: bigint, weights: readonly bigint[]): bigint[] {
  const total = sumOf(weights);
  if (whole === 0n || total === 0n) return weights.map(() => 0n);
  const parts = weights.map((weight) => (whole * weight) / total);
  const byRest = weights
    .map((weight, index) => ({ index, rest: (whole * weight) % total }))
    .sort((one, other) => (one.rest === other.rest ? one.index - other.index : one.rest > other.rest ? -1 : 1));
  for (let left = whole - sumOf(parts), next = 0; left > 0n; left -= 1n, next += 1) parts[byRest[next]!.index]! += 1n;
  return parts;
}

interface Share {
  readonly rest: bigint;
  readonly of: bigint;
}
/** A part of what stands for an item, and the line that asked for it; without one it was paid at once. */
interface Lot {
  readonly line?: Line | undefined;
  amount: bigint;
  tax: bigint;
}
/** What stands for one item in one period. */
interface Account {
  readonly price: bigint;
  readonly lots: Lot[];
  readonly given: { amount: bigint; share: Share }[];
}
interface Line {
  readonly invoice: Invoice;
  readonly account: Account;
  readonly amount: bigint;
  readonly net: bigint;
  readonly tax: bigint;
  readonly share: Share;
  credited: bigint;
  creditedTax: bigint;
}
interface Invoice {
  status: 'FINALIZED' | 'PAID' | 'VOID' | 'UNCOLLECTIBLE';
  readonly lines: Line[];
  /** What it credits of other items, with the tax. */
  readonly credit: { amount: bigint; tax: bigint };
  readonly net: bigint;
  readonly total: bigint;
  readonly applied: bigint;
  /** What is still to be paid. */
  due: bigint;
  /** What credit notes took off that. */
  credited: bigint;
  readonly used: Held[];
  id: string;
  lineIds: string[];
}
type Part = { amount: bigint; tax: bigint };
const chargedOf = ({ lots }: Account) => sumOf(lots.map(({ amount }) => amount));
const taxOf = ({ lots }: Account) => sumOf(lots.map(({ tax }) => tax));
const fresh = (price: bigint): Account => ({ price, lots: [], given: [] });
/** A note of an act, as far as it is answered: money for the tenant, or less to pay. */
interface Answered {
  readonly toTenant: bigint;
  readonly offDue: bigint[];
}
const answeredTotal = ({ toTenant, offDue }: Answered): bigint => (toTenant > 0n ? toTenant : (offDue[0] ?? 0n));

interface Held {
  readonly code: Code;
  status: 'PENDING' | 'RUNNING' | 'FINISHED' | 'ENDED';
  applied: number;
  returned: number;
}

const epoch = Date.UTC(2026, 0, 1);
const day = 86_400_000;
const dayOf = (months: number) => BigInt((Date.UTC(2026, months, 1) - epoch) / day);

class Model {
  today = 0n;
  month = 0;
  balance = 0n;
  transfers = 0;
  plan: Plan = 'small';
  planAccount: Account = fresh(0n);
  /** Every account that there ever was: what a line asked for may stand on any of them. */
  readonly accounts: Account[] = [];
  readonly addons = new Map<Addon, { account: Account; leaving: boolean }>();
  readonly held: Held[] = [];
  readonly invoices: Invoice[] = [];
  /** In which share an account was given what was carried to it. */
  readonly carriedShare = new Map<Account, Share>();

  get share(): Share {
    const [start, end] = [dayOf(this.month), dayOf(this.month + 1)];
    return { rest: end - this.today, of: end - start };
  }

  unused(account: Account): { amount: bigint; tax: bigint } {
    const { rest, of } = this.share;
    // price·rest/of − Σ given·(rest/of)/(givenRest/givenOf), over one denominator.
    let [above, below] = [account.price * rest, of];
    for (const { amount, share } of account.given) {
      if (amount === 0n || share.rest === 0n) continue;
      above = above * of * share.rest - amount * rest * share.of * below;
      below = below * of * share.rest;
    }
    const wanted = half(above, below);
    const charged = chargedOf(account);
    const amount = wanted < 0n ? 0n : least(wanted, charged);
    return { amount, tax: charged === 0n ? 0n : half(taxOf(account) * amount, charged) };
  }

  opened(price: bigint): Account {
    const account = fresh(price);
    this.accounts.push(account);
    return account;
  }

  /** Takes out of lots, the first ones first. */
  private take(lots: readonly Lot[], wanted: Part): Lot[] {
    let { amount, tax } = wanted;
    const taken: Lot[] = [];
    for (const lot of lots) {
      const part = least(amount, lot.amount);
      if (part <= 0n) continue;
      const taxPart = half(tax * part, amount);
      lot.amount -= part;
      lot.tax -= taxPart;
      amount -= part;
      tax -= taxPart;
      taken.push({ line: lot.line, amount: part, tax: taxPart });
    }
    return taken;
  }

  lotsOf(line: Line): Lot[] {
    return this.accounts.flatMap(({ lots }) => lots.filter((lot) => lot.line === line));
  }

  /** What is still to be paid of each line: in proportion to what stands on it. */
  dueOf(invoice: Invoice): Map<Line, bigint> {
    const stands = invoice.lines.map((line) => sumOf(this.lotsOf(line).map(({ amount, tax }) => amount + tax)));
    const parts = split(least(invoice.due, sumOf(stands)), stands);
    return new Map(invoice.lines.map((line, index) => [line, parts[index]!]));
  }

  private lower(invoice: Invoice, by: bigint) {
    invoice.due -= by;
    if (invoice.due === 0n) invoice.status = 'PAID';
  }

  /** What is credited comes off what is still due for the same item; answers what was paid of it, and the notes. */
  private credit(account: Account, credit: Part): { paid: Lot[]; offDue: bigint[] } {
    let { amount, tax } = credit;
    const open = new Map<Invoice, bigint>();
    const dues = new Map(this.invoices.filter(({ due }) => due > 0n).map((each) => [each, this.dueOf(each)]));
    for (const lot of account.lots) {
      const due = lot.line && dues.get(lot.line.invoice)?.get(lot.line);
      const off = due === undefined ? 0n : least(amount + tax, due, lot.amount + lot.tax);
      if (!lot.line || off <= 0n) continue;
      const taxPart = half(tax * off, amount + tax);
      lot.amount -= off - taxPart;
      lot.tax -= taxPart;
      amount -= off - taxPart;
      tax -= taxPart;
      open.set(lot.line.invoice, (open.get(lot.line.invoice) ?? 0n) + off);
      lot.line.credited += off - taxPart;
      lot.line.creditedTax += taxPart;
    }
    for (const [invoice, off] of open) {
      invoice.credited += off;
      this.lower(invoice, off);
    }
    return { paid: this.take(account.lots, { amount, tax }), offDue: [...open.values()] };
  }

  /** A note for what was paid points at the line that asked for it, as any other credit of that line does. */
  private pointAtLine(paid: readonly Lot[]) {
    const line = paid.at(-1)?.line;
    if (!line) return;
    line.credited += sumOf(paid.map(({ amount }) => amount));
    line.creditedTax += sumOf(paid.map(({ tax }) => tax));
  }

  /** Writes an invoice of these charges; each net of its discounts. */
  invoice(
    charges: { account: Account; amount: bigint; discount: bigint; share: Share }[],
    credit = { amount: 0n, tax: 0n },
    used: Held[] = [],
  ): Invoice {
    const nets = charges.map(({ amount, discount }) => amount - discount);
    const tax = half(sumOf(nets) * taxPercent, 100n);
    const taxes = split(tax, nets);
    const net = sumOf(nets) - credit.amount;
    const total = net + tax - credit.tax;
    const applied = least(this.balance, total);
    this.balance -= applied;
    const status = total === applied ? 'PAID' : 'FINALIZED';
    const invoice: Invoice = {
      ...{
        status,
        lines: [],
        credit,
        net,
        total,
        applied,
        due: total - applied,
        credited: 0n,
        used,
        id: '',
        lineIds: [],
      },
    };
    for (const [index, { account, amount, discount, share }] of charges.entries()) {
      const part = { net: nets[index]!, tax: taxes[index]! };
      const line: Line = { invoice, account, amount, ...part, share, credited: 0n, creditedTax: 0n };
      account.lots.push({ line, amount: part.net, tax: part.tax });
      if (discount > 0n) account.given.push({ amount: discount, share });
      invoice.lines.push(line);
    }
    this.invoices.push(invoice);
    return invoice;
  }

  renew(): Invoice {
    const { rest: of } = { rest: dayOf(this.month + 1) - dayOf(this.month) };
    const share = { rest: of, of };
    for (const [code, { leaving }] of [...this.addons]) if (leaving) this.addons.delete(code);
    this.planAccount = this.opened(prices[this.plan]);
    for (const [code, attached] of this.addons) attached.account = this.opened(prices[code]);
    const accounts = [this.planAccount, ...[...this.addons.values()].map(({ account }) => account)];
    const left = accounts.map(({ price }) => price);
    const cut = accounts.map(() => [] as bigint[]);
    const used: Held[] = [];
    for (const held of this.held) {
      if (held.status !== 'PENDING' && held.status !== 'RUNNING') continue;
      const { percent, periods } = coupons[held.code];
      const parts = split(half(sumOf(left) * percent, 100n), left);
      for (const [index, part] of parts.entries()) {
        left[index]! -= part;
        cut[index]!.push(part);
      }
      held.applied += 1;
      held.status = held.applied - held.returned >= periods ? 'FINISHED' : 'RUNNING';
      used.push(held);
    }
    const charges = accounts.map((account, index) => ({
      ...{ account, amount: account.price, share },
      discount: sumOf(cut[index]!),
    }));
    return this.invoice(charges, undefined, used);
  }

  advance(days: number): Invoice[] {
    const until = this.today + BigInt(days);
    const written: Invoice[] = [];
    while (dayOf(this.month + 1) <= until) {
      this.month += 1;
      this.today = dayOf(this.month);
      written.push(this.renew());
    }
    this.today = until;
    return written;
  }

  subscribe(code: Addon): Invoice {
    const account = this.opened(prices[code]);
    this.addons.set(code, { account, leaving: false });
    const { rest, of } = this.share;
    return this.invoice([{ account, amount: half(account.price * rest, of), discount: 0n, share: this.share }]);
  }

  cancelNow(code: Addon): Answered {
    const { account } = this.addons.get(code)!;
    const { paid, offDue } = this.credit(account, this.unused(account));
    this.addons.delete(code);
    return { toTenant: this.giveBack(paid), offDue };
  }

  private giveBack(paid: readonly Lot[]): bigint {
    this.pointAtLine(paid);
    const total = sumOf(paid.map(({ amount, tax }) => amount + tax));
    this.balance += total;
    return total;
  }

  /** What stands for one item stands for another now, and asks for its money as before. */
  private carry(from: readonly Lot[], to: Account) {
    this.carriedShare.set(to, this.share);
    for (const lot of from) {
      const known = to.lots.find(({ line }) => line === lot.line);
      if (known) {
        known.amount += lot.amount;
        known.tax += lot.tax;
      } else to.lots.push(lot);
    }
  }

  change(plan: Plan, waived: boolean): { invoice?: Invoice; answered: Answered; net: bigint } {
    const { rest, of } = this.share;
    const old = this.planAccount;
    const account = this.opened(prices[plan]);
    const amount = half(account.price * rest, of);
    const credit = this.unused(old);
    const net = amount - credit.amount;
    this.plan = plan;
    this.planAccount = account;
    for (const held of this.held) if (held.status === 'RUNNING') held.status = 'ENDED';
    const nothing = { toTenant: 0n, offDue: [] };
    if (waived) {
      // What stands is carried over, with its tax.
      const carried = least(credit.amount, amount);
      const charged = chargedOf(old);
      const tax = charged === 0n ? 0n : half(taxOf(old) * carried, charged);
      this.carry(this.take(old.lots, { amount: carried, tax }), account);
      if (amount > carried) account.given.push({ amount: amount - carried, share: this.share });
      return { answered: nothing, net };
    }
    const { paid, offDue } = this.credit(old, credit);
    const back = { amount: sumOf(paid.map((lot) => lot.amount)), tax: sumOf(paid.map((lot) => lot.tax)) };
    if (amount === back.amount) {
      this.carry(paid, account);
      return { answered: { toTenant: 0n, offDue }, net };
    }
    const tax = half(amount * taxPercent, 100n);
    const gross = amount + tax - back.amount - back.tax;
    if (gross < 0n) {
      this.pointAtLine(paid);
      account.lots.push({ amount, tax });
      this.balance -= gross;
      return { answered: { toTenant: -gross, offDue }, net };
    }
    const invoice = this.invoice([{ account, amount, discount: 0n, share: this.share }], back);
    return { invoice, answered: { toTenant: 0n, offDue }, net };
  }

  /** `false`: a part of it was credited already. */
  void(invoice: Invoice): boolean {
    const { lines, credit } = invoice;
    // Where what they ask for stands: with their own items first, then where it was carried.
    const own = lines.flatMap((line) =>
      line.account.lots.filter((lot) => lot.line === line).map((lot) => ({ line, lot })),
    );
    const elsewhere = this.accounts.flatMap((account) =>
      account.lots.flatMap((lot) =>
        lot.line && lines.includes(lot.line) && lot.line.account !== account ? [{ account, lot }] : [],
      ),
    );
    const places = [...own.map(({ line, lot }) => ({ account: line.account, lot })), ...elsewhere];
    const nets = places.map(({ lot }) => lot.amount);
    if (invoice.credited > 0n || sumOf(nets) < sumOf(lines.map(({ net }) => net))) return false;
    const parts = (whole: bigint, weights: bigint[]) => split(whole < 0n ? 0n : whole, weights);
    const taxes = places.map(({ lot }) => lot.tax);
    const backs = parts(sumOf(nets) - credit.amount, nets);
    const taxBacks = parts(sumOf(taxes) - credit.tax, taxes);
    for (const [index, { account, lot }] of places.entries()) {
      if (backs[index] === 0n) continue;
      lot.amount -= backs[index]!;
      lot.tax -= taxBacks[index]!;
      const share = lot.line!.account === account ? lot.line!.share : this.carriedShare.get(account)!;
      account.given.push({ amount: backs[index]!, share });
    }
    invoice.due = 0n;
    invoice.status = 'VOID';
    this.balance += invoice.applied;
    for (const held of invoice.used) {
      held.returned += 1;
      const hasNewer = this.held.some(
        (other) =>
          other !== held && other.code === held.code && (other.status === 'PENDING' || other.status === 'RUNNING'),
      );
      if (held.status === 'RUNNING' || (held.status === 'FINISHED' && !hasNewer)) {
        held.status = held.applied > held.returned ? 'RUNNING' : 'PENDING';
      }
    }
    return true;
  }

  leftOf(invoice: Invoice, line: Line): bigint {
    const credited = sumOf(invoice.lines.map((each) => each.credited));
    const left = least(line.net - line.credited, invoice.net - credited, chargedOf(line.account));
    return left < 0n ? 0n : left;
  }

  creditByHand(invoice: Invoice, line: Line, amount: bigint): bigint {
    const { account } = line;
    const charged = chargedOf(account);
    const [leftOfLine, taxLeft] = [line.net - line.credited, line.tax - line.creditedTax];
    const tax =
      charged < leftOfLine
        ? half(least(taxLeft, taxOf(account)) * amount, charged)
        : half(taxLeft * amount, leftOfLine);
    const off = invoice.due === 0n ? 0n : least(this.dueOf(invoice).get(line)!, amount + tax);
    const lot = account.lots.find((each) => each.line === line)!;
    lot.amount -= amount;
    lot.tax -= tax;
    line.credited += amount;
    line.creditedTax += tax;
    if (off > 0n) {
      invoice.credited += off;
      this.lower(invoice, off);
    }
    this.balance += amount + tax - off;
    return amount + tax > off ? amount + tax - off : off;
  }
}

const cents = (money: { amount: string }) => BigInt(money.amount.replace('.', ''));
const text = (value: bigint) => `${value / 100n}.${String(value % 100n).padStart(2, '0')}`;
const chargeKinds = ['PLAN_FIXED', 'ADDON_FIXED', 'PRORATION_CHARGE'];
const at = (today: bigint) => new Date(epoch + Number(today) * day).toISOString();

function same(wanted: Invoice, real: Document | null | undefined): void {
  if (!real) throw new Error(`no invoice; the model has one of ${wanted.total}`);
  expect({ total: cents(real.total), applied: cents(real.creditApplied), status: real.status }).toEqual({
    ...{ total: wanted.total, applied: wanted.applied, status: wanted.status },
  });
  const charges = real.lines.filter(({ kind }) => chargeKinds.includes(kind));
  expect(charges.map(({ amount }) => cents(amount))).toEqual(wanted.lines.map(({ amount }) => amount));
  wanted.id = real.id;
  wanted.lineIds = charges.map(({ id }) => id);
}

class Life {
  readonly attached = new Map<Addon, string>();
  constructor(readonly tenant: TenantOfWorld) {}
}

abstract class Step implements fc.AsyncCommand<Model, Life> {
  check(_model: Readonly<Model>): boolean {
    return true;
  }
  abstract act(model: Model, life: Life): Promise<void>;
  async run(model: Model, life: Life): Promise<void> {
    await this.act(model, life);
    expect(cents({ amount: await life.tenant.balance() })).toBe(model.balance);
  }
  toString() {
    return `${this.constructor.name} ${JSON.stringify(this)}`;
  }
}

class Advance extends Step {
  constructor(readonly days: number) {
    super();
  }
  async act(model: Model, { tenant }: Life) {
    const wanted = model.advance(this.days);
    const { invoices } = await tenant.advance(at(model.today));
    expect(invoices).toHaveLength(wanted.length);
    for (const [index, invoice] of wanted.entries()) same(invoice, invoices[index]);
  }
}
class Subscribe extends Step {
  constructor(readonly addon: Addon) {
    super();
  }
  async act(model: Model, life: Life) {
    const known = model.addons.get(this.addon);
    const answer = await life.tenant.subscribe(this.addon);
    if (known) {
      known.leaving = false;
      expect(answer).toMatchObject({ created: false, invoice: null });
    } else {
      same(model.subscribe(this.addon), answer.invoice);
      life.attached.set(this.addon, answer.addonSubscription.id);
    }
  }
}
class CancelAddon extends Step {
  constructor(
    readonly addon: Addon,
    readonly now: boolean,
  ) {
    super();
  }
  override check(model: Readonly<Model>) {
    return model.addons.has(this.addon);
  }
  async act(model: Model, life: Life) {
    const answer = await life.tenant.cancelAddon(life.attached.get(this.addon)!, {
      when: this.now ? 'NOW' : 'PERIOD_END',
    });
    if (this.now)
      expect(answer.creditNote ? cents(answer.creditNote.total) : 0n).toBe(answeredTotal(model.cancelNow(this.addon)));
    else {
      model.addons.get(this.addon)!.leaving = true;
      expect(answer.creditNote).toBeNull();
    }
  }
}
class ChangePlan extends Step {
  constructor(
    readonly plan: Plan,
    readonly waived: boolean,
  ) {
    super();
  }
  async act(model: Model, { tenant }: Life) {
    const answer = await tenant.change({ plan: this.plan, waived: this.waived });
    if (model.plan === this.plan) return expect(answer.code).toBe('NO_CHANGE');
    const { invoice, answered, net } = model.change(this.plan, this.waived);
    expect(answer.net.amount.replace('.', '').replace(/^(-?)0+(?=\d)/, '$1')).toBe(String(net));
    expect(answer.creditNote ? cents(answer.creditNote.total) : 0n).toBe(answeredTotal(answered));
    expect(answer.creditNotes).toHaveLength(answered.offDue.length + (answered.toTenant > 0n ? 1 : 0));
    if (invoice) same(invoice, answer.invoice);
    else expect(answer.invoice).toBeNull();
  }
}
class Apply extends Step {
  constructor(readonly code: Code) {
    super();
  }
  async act(model: Model, { tenant }: Life) {
    const live = model.held.some(({ code, status }) => code === this.code && /PENDING|RUNNING/.test(status));
    expect((await tenant.apply(this.code)).created).toBe(!live);
    if (!live) model.held.push({ code: this.code, status: 'PENDING', applied: 0, returned: 0 });
  }
}
abstract class OnInvoice extends Step {
  constructor(readonly pick: number) {
    super();
  }
  of(model: Model): Invoice {
    return model.invoices.at(-1 - (this.pick % Math.min(model.invoices.length, 5)))!;
  }
}
class Pay extends OnInvoice {
  async act(model: Model, { tenant }: Life) {
    const invoice = this.of(model);
    const open = invoice.status === 'FINALIZED' || invoice.status === 'UNCOLLECTIBLE';
    // Another transfer each time: the same one again would be the same act.
    model.transfers += 1;
    const answer = await tenant.pay(invoice.id, `bank ${model.transfers}`);
    if (open) {
      invoice.status = 'PAID';
      invoice.due = 0n;
    }
    expect(answer.code ?? answer.invoice.status).toBe(open ? 'PAID' : 'INVOICE_NOT_OPEN');
  }
}
class GiveUp extends OnInvoice {
  async act(model: Model, { tenant }: Life) {
    const invoice = this.of(model);
    const answer = await tenant.giveUp(invoice.id);
    if (invoice.status === 'FINALIZED') invoice.status = 'UNCOLLECTIBLE';
    expect(answer.code ?? 'UNCOLLECTIBLE').toBe(
      invoice.status === 'UNCOLLECTIBLE' ? 'UNCOLLECTIBLE' : 'INVOICE_NOT_OPEN',
    );
  }
}
class Void extends OnInvoice {
  async act(model: Model, { tenant }: Life) {
    const invoice = this.of(model);
    const open = invoice.status === 'FINALIZED' || invoice.status === 'UNCOLLECTIBLE';
    const again = invoice.status === 'VOID';
    const answer = await tenant.void(invoice.id);
    const wanted = again ? 'VOID' : !open ? 'INVOICE_NOT_OPEN' : model.void(invoice) ? 'VOID' : 'INVOICE_CREDITED';
    expect(answer.code ?? answer.invoice.status).toBe(wanted);
  }
}
class Credit extends OnInvoice {
  constructor(
    pick: number,
    readonly linePick: number,
    readonly percent: number,
  ) {
    super(pick);
  }
  async act(model: Model, { tenant }: Life) {
    const invoice = this.of(model);
    const index = this.linePick % invoice.lines.length;
    const line = invoice.lines[index]!;
    const left = model.leftOf(invoice, line);
    const amount = this.percent > 100 ? left + 1n : (left * BigInt(this.percent) + 99n) / 100n || 1n;
    const answer = await tenant.credit(invoice.id, { [invoice.lineIds[index]!]: text(amount) });
    if (invoice.status === 'VOID') return expect(answer.code).toBe('INVOICE_NOT_PAID');
    if (amount > left) return expect(answer.code).toBe('CREDIT_EXCEEDS_LINE');
    expect(cents(answer.creditNote.total)).toBe(model.creditByHand(invoice, line, amount));
  }
}

const plan = fc.constantFrom<Plan>('small', 'middle', 'large');
const addon = fc.constantFrom<Addon>('extra', 'seats');
const pick = fc.nat(4);
const steps = [
  fc.integer({ min: 1, max: 12 }).map((days) => new Advance(days)),
  fc.integer({ min: 20, max: 70 }).map((days) => new Advance(days)),
  addon.map((code) => new Subscribe(code)),
  fc.tuple(addon, fc.boolean()).map(([code, now]) => new CancelAddon(code, now)),
  fc.tuple(plan, fc.integer({ min: 0, max: 3 })).map(([code, waived]) => new ChangePlan(code, waived === 0)),
  plan.map((code) => new ChangePlan(code, false)),
  fc.constantFrom<Code>('ONCE20', 'THRICE10').map((code) => new Apply(code)),
  pick.map((index) => new Pay(index)),
  pick.map((index) => new Pay(index)),
  pick.map((index) => new GiveUp(index)),
  pick.map((index) => new Void(index)),
  fc.tuple(pick, fc.nat(3), fc.integer({ min: 1, max: 101 })).map(([one, two, three]) => new Credit(one, two, three)),
];

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway({ rates: { actor: 100_000_000, account: 100_000_000 } });
  world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'small', rank: 10, month: '19' });
  await world.plan({ code: 'middle', rank: 20, month: '49.99' });
  await world.plan({ code: 'large', rank: 30, month: '149' });
  await world.addon('extra', '33.33');
  await world.addon('seats', '10');
  const shared = { kind: 'PERCENT', maxRedemptionsPerTenant: 1_000 };
  await world.coupon('ONCE20', { ...shared, percent: '20' });
  await world.coupon('THRICE10', { ...shared, percent: '10', duration: 'REPEATING', durationPeriods: 3 });
  const { partnerId } = world;
  const party = { legalName: 'Seller', address: ['1 Street'], country: 'DE' };
  await world.act('setPartnerBillingDetails', { partnerId, ...party }, 'party { country }');
  const rate = { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' };
  await world.act('createTaxRate', rate, 'taxRate { id }');
});
afterAll(() => gateway.stop());

test(`${runs} lives of up to ${longest} steps go as the model says (seed ${seed})`, async () => {
  const lane = (number: number) =>
    fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: longest, size: 'medium' }), async (commands) => {
        const tenant = await world.tenant(at(0n));
        const model = new Model();
        const { invoices } = await tenant.start('small');
        same(model.renew(), invoices[0]);
        await fc.asyncModelRun(() => ({ model, real: new Life(tenant) }), commands);
        const due = (await tenant.invoices()).map(({ amountDue }) => cents(amountDue));
        expect(due).toEqual(model.invoices.map((invoice) => invoice.due));
      }),
      { numRuns: Math.ceil(runs / lanes), seed: seed + number, endOnFailure: false },
    );
  const ended = await Promise.allSettled(Array.from({ length: lanes }, (_none, number) => lane(number)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  // And what must hold of any database holds of this one.
  const found: object[] = [];
  const names = await gateway.database.asOwner<{ name: string }>('select app.list_checks() as name');
  for (const { name } of names) {
    found.push(...(await gateway.database.asOwner(`select '${name}' as name, * from ${name} limit 3`)));
  }
  expect(found).toEqual([]);
}, 600_000);
