import { Arg, Field, FieldResolver, InputType, ObjectType, Resolver, Root } from 'type-graphql';
import { type CurrencyCode, fractionDigitsOf } from '../core/currency';
import { amountText, type Money } from '../core/money';
import { BigIntScalar, CurrencyScalar, DecimalScalar } from './scalars';

@ObjectType('Money', { description: 'An exact amount of one currency.', simpleResolvers: true })
export class MoneyType {
  @Field(() => DecimalScalar, { description: "Major units with the currency's own fraction digits, e.g. 12.50." })
  amount: string;
  @Field(() => CurrencyScalar, { description: 'ISO 4217.' })
  currency: CurrencyCode;
  @Field(() => BigIntScalar, { description: 'Whole minor units, e.g. 1250 cents; 500 for 500 JPY.' })
  minorUnits: bigint;
}

export function toGraphqlMoney(money: Money): MoneyType {
  return { amount: amountText(money), currency: money.currency, minorUnits: money.minor };
}

@InputType('MoneyInput', { description: 'An amount in major units.' })
export class MoneyInputType {
  @Field(() => DecimalScalar, { description: 'Major units, e.g. 49.00; no more decimals than the currency has.' })
  amount: string;
  @Field(() => CurrencyScalar, { description: 'ISO 4217.' })
  currency: CurrencyCode;
}

/** @returns the locale in its canonical form, or en-US for one that no locale can be (`de-de-de`) or that is not known */
function knownLocale(locale: string): string {
  try {
    return (locale.length <= 35 && Intl.NumberFormat.supportedLocalesOf([locale])[0]) || 'en-US';
  } catch {
    return 'en-US';
  }
}

const formats = new Map<string, Intl.NumberFormat>();

@Resolver(() => MoneyType)
export class MoneyResolver {
  @FieldResolver(() => String, {
    description: 'For people, in a BCP 47 locale such as de-DE; an unknown locale falls back to en-US.',
  })
  formatted(
    @Root() money: MoneyType,
    @Arg('locale', () => String, { defaultValue: 'en-US', description: 'BCP 47, e.g. de-DE.' }) locale: string,
  ): string {
    const key = `${locale} ${money.currency}`;
    let format = formats.get(key);
    if (!format) {
      // Our own table of fraction digits: `Intl` has others for some currencies.
      const digits = fractionDigitsOf(money.currency);
      format = new Intl.NumberFormat(knownLocale(locale), {
        style: 'currency',
        currency: money.currency,
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
      if (formats.size < 1_000) formats.set(key, format);
    }
    // As text: a number would lose digits beyond 2^53.
    return format.format(money.amount as unknown as number);
  }
}
