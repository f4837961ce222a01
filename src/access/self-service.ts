import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';

/**
 * Arguments are rights too. A tenant's people and keys run their own subscription; what gives money or time away is the
 * partner's. Which argument that is stands in one table here, and each is a right that a partner may allow to its tenants.
 */
export const selfServiceRights = [
  'TRIAL_DAYS',
  'START_AT',
  'ANCHOR_DAY',
  'WAIVE',
  'KEEP_DISCOUNTS_ON_RESET',
  'KEEP_UNAVAILABLE_ADDONS',
  'REFUND',
  'CHARGE_ON_NEXT_INVOICE',
  'TEST_CLOCK',
] as const;
export type SelfServiceRight = (typeof selfServiceRights)[number];

/** What a partner allows its tenants to ask for by themselves; at first nothing. */
export interface SelfServicePolicy {
  readonly partnerId: Id<'Partner'>;
  readonly allowed: readonly SelfServiceRight[];
  /** 0: it was never set. */
  readonly version: number;
  /** When it was set; `undefined`: never. */
  readonly changedAt?: Instant | undefined;
}

/** What a right allows, after "Only the partner may". */
export const rightTexts: Readonly<Record<SelfServiceRight, string>> = {
  TRIAL_DAYS: 'give a free trial of any length',
  START_AT: 'start a subscription at another time than now',
  ANCHOR_DAY: 'choose the day on which periods begin',
  WAIVE: 'waive the price of a change',
  KEEP_DISCOUNTS_ON_RESET: 'keep running discounts in a period that begins anew',
  KEEP_UNAVAILABLE_ADDONS: 'keep add-ons that the plan does not sell',
  REFUND: 'send money back through the payment provider',
  CHARGE_ON_NEXT_INVOICE: 'put the charge of an add-on off until the next invoice',
  TEST_CLOCK: "move a sandbox's clock",
};

export type ArgumentValues = Readonly<Record<string, unknown>>;

/** A member of an operation's input that takes a right of the partner. */
export interface ArgumentRight {
  readonly argument: string;
  readonly right: SelfServiceRight;
  /** The value that gives something away; `undefined`: each that `gives` says. */
  readonly value?: string | boolean;
  /**
   * Whether this call gives something away; `undefined`: always.
   *
   * @param interval the subscription's own; `undefined`: there is none
   */
  readonly gives?: (input: ArgumentValues, interval: string | undefined) => boolean;
}

const trialDays: ArgumentRight = {
  argument: 'trialDays',
  right: 'TRIAL_DAYS',
  // 0 goes without the plan's own trial.
  gives: ({ trialDays }) => trialDays !== 0,
};
const refund: ArgumentRight = { argument: 'settlement', right: 'REFUND', value: 'REFUND' };
const planChange: readonly ArgumentRight[] = [
  { argument: 'waived', right: 'WAIVE', value: true },
  refund,
  { argument: 'unavailableAddons', right: 'KEEP_UNAVAILABLE_ADDONS', value: 'KEEP' },
  {
    argument: 'keepRunningDiscounts',
    right: 'KEEP_DISCOUNTS_ON_RESET',
    value: true,
    // Another interval begins a new period too.
    gives: ({ anchor, interval }, current) => anchor === 'RESET' || (interval ?? current) !== current,
  },
];

/** Operation → what of its input is the partner's right. What is not here gives nothing away; a test holds the two apart. */
export const argumentRights: Readonly<Record<string, readonly ArgumentRight[]>> = {
  startSubscription: [
    trialDays,
    { argument: 'startAt', right: 'START_AT' },
    // The first period is shorter and costs less, but holds a whole allowance.
    { argument: 'anchorDay', right: 'ANCHOR_DAY' },
  ],
  createPlanCheckout: [trialDays],
  changePlan: planChange,
  prorationPreview: planChange,
  cancelSubscription: [refund],
  cancelAddon: [refund],
  changeAddonQuantity: [refund],
  subscribeAddon: [{ argument: 'charge', right: 'CHARGE_ON_NEXT_INVOICE', value: 'NEXT_INVOICE' }],
  advanceClock: [{ argument: 'to', right: 'TEST_CLOCK' }],
};

/** The arguments of this call that may be the partner's right; whether they are may depend on the subscription's interval. */
export function argumentsInQuestion(operation: string, input: ArgumentValues): readonly ArgumentRight[] {
  return (argumentRights[operation] ?? []).filter(({ argument, value }) => {
    const given = input[argument];
    return given !== undefined && given !== null && (value === undefined || given === value);
  });
}

/** The first argument of a tenant's call that its partner does not allow; `undefined`: it may have them all. */
export function forbiddenArgument(
  inQuestion: readonly ArgumentRight[],
  input: ArgumentValues,
  interval: string | undefined,
  allowed: readonly SelfServiceRight[],
): ArgumentRight | undefined {
  return inQuestion.find(({ right, gives }) => !allowed.includes(right) && (gives?.(input, interval) ?? true));
}
