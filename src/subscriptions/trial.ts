/** Two years. */
export const longestTrialDays = 730;

export function isTrialDays(days: number): boolean {
  return Number.isInteger(days) && days >= 1 && days <= longestTrialDays;
}

/** How a subscription begins that costs nothing yet. */
export interface Trial {
  readonly days: number;
  /** It is the plan's own, which a tenant gets once; else it was given to this tenant. */
  readonly ofPlan: boolean;
}

/**
 * The trial that a subscription starts with.
 *
 * @param asked what the caller says; 0: none
 * @param ofPlan the plan's own
 * @param hadOne the tenant had a trial before, of whichever plan: it gets no plan's own any more
 */
export function trialOf(asked: number | undefined, ofPlan: number | undefined, hadOne: boolean): Trial | undefined {
  if (asked !== undefined) return asked === 0 ? undefined : { days: asked, ofPlan: false };
  return ofPlan === undefined || hadOne ? undefined : { days: ofPlan, ofPlan: true };
}
