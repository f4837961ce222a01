/**
 * What must not compile. Never run: `npm run types` checks this file, and a line below `@ts-expect-error` that does
 * compile is itself an error.
 */
import type { CurrencyCode } from '../../src/core/currency';
import { decimal } from '../../src/core/decimal';
import { oneExact } from '../../src/core/exact';
import type { Id } from '../../src/core/ids';
import { add, type Money, money, roundToMoney, smaller, subtract, sum, zero } from '../../src/core/money';
import { type Percent, parsePercent, percentFraction } from '../../src/core/percent';
import { parseSeats, type SeatCount } from '../../src/core/quantity';
import { refuse } from '../../src/core/result';
import { discountOn } from '../../src/coupons/coupon';
import { chargedWhole, percentOff } from '../support/arbitraries';

declare const euros: Money<'EUR'>;
declare const dollars: Money<'USD'>;
declare const some: Money;

/** Currencies do not mix. */
export function currencies(): unknown[] {
  const fine: Money<'EUR'>[] = [
    add(euros, euros),
    subtract(euros, zero('EUR')),
    smaller(euros, euros),
    sum([euros, euros], 'EUR'),
    roundToMoney(oneExact, 'EUR'),
  ];
  const anyCurrency: Money[] = [euros, dollars, add(some, euros), sum([some], 'EUR' as CurrencyCode)];
  return [
    fine,
    anyCurrency,
    // @ts-expect-error euros and dollars
    add(euros, dollars),
    // @ts-expect-error the other way round
    add(dollars, euros),
    // @ts-expect-error euros and dollars
    subtract(euros, dollars),
    // @ts-expect-error which of them is smaller has no answer
    smaller(euros, dollars),
    // @ts-expect-error one of them is not in euros
    sum([euros, dollars], 'EUR'),
    // @ts-expect-error the sum of euros is not in dollars
    sum([euros], 'USD'),
    // @ts-expect-error an amount whose currency is not known is not in euros
    add(euros, some),
    // @ts-expect-error a sum is in the currency of its parts
    add(euros, euros) satisfies Money<'USD'>,
    // @ts-expect-error zero has a currency too
    zero('EUR') satisfies Money<'USD'>,
    // @ts-expect-error not a currency
    zero('XXX'),
    // @ts-expect-error written in capitals
    money(1n, 'eur'),
    // @ts-expect-error any text may not be a currency
    money(1n, 'EUR' as string),
  ];
}

/** An amount is minor units and a currency: neither a number, nor a text, nor a decimal. */
export function amounts(): unknown[] {
  return [
    // @ts-expect-error a number has fractions and no currency
    add(euros, 5),
    // @ts-expect-error a text is not an amount
    add(euros, '5.00'),
    // @ts-expect-error a bare bigint has no currency
    add(euros, 500n),
    // @ts-expect-error minor units are a bigint
    money(5, 'EUR'),
    // @ts-expect-error minor units are a bigint, not text
    money('500', 'EUR'),
    // @ts-expect-error an amount is not an operand of +
    euros + euros,
    // @ts-expect-error an amount does not change
    euros.minor++,
    // @ts-expect-error a rounded number is not exact
    roundToMoney(5n, 'EUR'),
    // @ts-expect-error a price is an amount
    chargedWhole(19),
    // @ts-expect-error a price is an amount
    discountOn(percentOff('20'), 17.39, undefined),
  ];
}

/** A percentage, a seat count and an id are made by their parsers only. */
export function brands(planId: Id<'Plan'>, addonId: Id<'Addon'>): unknown[] {
  return [
    // @ts-expect-error 20 may have been meant as 2000 %
    percentFraction(20),
    // @ts-expect-error any decimal may be above 100
    decimal('20') satisfies Percent,
    // @ts-expect-error a text that was not read may be no percentage
    parsePercent('20') satisfies Percent,
    // @ts-expect-error any bigint may be 0
    3n satisfies SeatCount,
    // @ts-expect-error what was not read may be no seat count
    parseSeats(3) satisfies SeatCount,
    // @ts-expect-error an add-on is not a plan
    addonId satisfies Id<'Plan'>,
    // @ts-expect-error any text may be anything
    'plan' satisfies Id<'Plan'>,
    // @ts-expect-error not a kind of ours
    planId as Id<'Planet'>,
  ];
}

/** A refusal has a code of its caller's, and no value. */
export function refusals(): unknown[] {
  const refused = refuse('TOO_MUCH', 'Too much.');
  return [
    refused.refusal.code satisfies 'TOO_MUCH',
    // @ts-expect-error another code
    refused.refusal.code satisfies 'TOO_LITTLE',
    // @ts-expect-error a refusal carries no value
    refused.value,
  ];
}
