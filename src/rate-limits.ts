import type { Actor } from './access/actor';
import { type Refused, refuse } from './core/result';
import { Gathering } from './platform/gathering';
import { type Budget, type BudgetAnswer, type BudgetRequest, LeasedBudgets } from './platform/leased-budgets';

/** How much may be asked. 0: as much as one likes. */
export interface RateSettings {
  /** Points a second: of a person or an API key. */
  readonly actor: number;
  /** Points a second: of all people and keys of a tenant, and of all of a partner's own. */
  readonly account: number;
  /** So many seconds' points are saved up while nothing is asked. */
  readonly burstSeconds: number;
  /** Documents a minute, of an actor; its account has twice as many. */
  readonly documents: number;
  /** Coupon codes that are tried, a minute, of an actor for a tenant. */
  readonly couponCodes: number;
}

export const defaultRates: RateSettings = {
  ...{ actor: 100_000, account: 200_000, burstSeconds: 10 },
  ...{ documents: 120, couponCodes: 60 },
};

/** What work costs in points, beside the fields of a document, which cost one each (`graphql/limits.ts`). */
export const points = {
  /** A mutation, whatever it answers. */
  write: 100,
  /** An event of usage. */
  event: 1,
  document: 500,
} as const;

/** One statement takes for all requests that ask at the same time. */
type Ask = (
  statement: { readonly name: string; readonly text: string },
  values: readonly unknown[],
) => Promise<readonly { readonly place: number; readonly granted: number; readonly points: number }[]>;

const takeBudgets = { name: 'take-budgets', text: 'select * from app.take_budgets($1, $2, $3, $4, $5)' };

async function takeThrough(ask: Ask, requests: readonly BudgetRequest[]): Promise<readonly BudgetAnswer[]> {
  const column = (of: (request: BudgetRequest) => string | number) => requests.map(of);
  const rows = await ask(takeBudgets, [
    column(({ budget }) => budget.name),
    column(({ used }) => used),
    column(({ wanted }) => wanted),
    column(({ budget }) => budget.perSecond),
    column(({ budget }) => budget.most),
  ]);
  const answers: BudgetAnswer[] = [];
  for (const { place, granted, points: left } of rows) answers[place - 1] = { granted, points: left };
  return answers;
}

/** Says who has asked for too much, and counts it for all processes together. */
export class RateLimits {
  private readonly budgets: LeasedBudgets;

  constructor(
    private readonly settings: RateSettings,
    ask: Ask,
  ) {
    const gathering = new Gathering<BudgetRequest, BudgetAnswer>({
      ask: (requests) => takeThrough(ask, requests),
      isOneQuestions: () => false,
    });
    this.budgets = new LeasedBudgets((request) => gathering.ask(request));
  }

  /** Uses points of the actor's and its account's budgets; answers the seconds to wait where there are none. */
  spend(actor: Actor, cost: number): number | undefined | Promise<number | undefined> {
    return this.budgets.spend(this.requestBudgets(actor), cost);
  }

  /** About how many points the actor may use now. */
  left(actor: Actor): number | undefined {
    const left = this.requestBudgets(actor).map((budget) => this.budgets.left(budget));
    return left.length === 0 ? undefined : Math.max(0, Math.min(...left));
  }

  /** One document of the actor and its account. */
  async document(actor: Actor): Promise<number | undefined> {
    const { documents } = this.settings;
    const account = accountOf(actor);
    for (const budget of [
      ...perMinute(`documents ${actor.principalId}`, documents),
      ...(account ? perMinute(`documents ${account}`, 2 * documents) : []),
    ]) {
      const seconds = await this.budgets.spendOne(budget);
      if (seconds !== undefined) return seconds;
    }
    return this.spend(actor, points.document);
  }

  /**
   * Codes can be guessed, so guesses are counted for each actor and tenant, not for each request: a hundred aliases in one
   * document are a hundred guesses.
   */
  async couponCode(actor: Actor, tenantId: string): Promise<number | undefined> {
    const [budget] = perMinute(`coupon codes ${actor.principalId} ${tenantId}`, this.settings.couponCodes);
    return budget && this.budgets.spendOne(budget);
  }

  private requestBudgets(actor: Actor): Budget[] {
    const { settings } = this;
    const account = accountOf(actor);
    return [
      ...perSecond(`requests ${actor.principalId}`, settings.actor, settings.burstSeconds),
      ...(account ? perSecond(`requests ${account}`, settings.account, settings.burstSeconds) : []),
    ];
  }
}

/** The platform's own people share nothing. */
function accountOf({ account }: Actor): string | undefined {
  if (account.kind === 'PLATFORM') return undefined;
  return account.kind === 'TENANT' ? account.tenantId : account.partnerId;
}

const perSecond = (name: string, rate: number, seconds: number): Budget[] =>
  rate === 0 ? [] : [{ name, perSecond: rate, most: rate * seconds }];
const perMinute = (name: string, rate: number): Budget[] =>
  rate === 0 ? [] : [{ name, perSecond: rate / 60, most: rate }];

/** What a mutation answers then; a query ends with an error of the same code. */
export function rateLimited(seconds: number): Refused<'RATE_LIMITED'> {
  return refuse('RATE_LIMITED', rateLimitedMessage, { facts: { retryAfterSeconds: seconds } });
}
export const rateLimitedMessage = 'You have asked for too much; try again later.';
