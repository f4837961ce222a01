import { Field, InputType, ObjectType } from 'type-graphql';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimalText } from '../core/decimal';
import { enumFrom } from '../graphql/enums';
import { CurrencyScalar, DecimalScalar } from '../graphql/scalars';
import {
  type PriceModel,
  type PriceModelKind,
  type PriceTiming,
  priceModelKinds,
  priceTimings,
  type Tier,
  timingOf,
} from './price-model';
import type { CurrencyUsagePrice, PriceModelInput, UsagePriceInput } from './price-model-input';

export const PriceModelKindEnum = enumFrom('PriceModelKind', priceModelKinds, 'How units are priced.', {
  FLAT: 'One amount for each reset period in which there is usage.',
  PER_UNIT: 'The same for each unit.',
  GRADUATED: 'Each slice of the units at its own tier.',
  VOLUME: 'All units at the tier in which they end.',
  PACKAGE: 'For each started package.',
  PERCENTAGE: 'A part of the amount that is measured.',
});

export const PriceTimingEnum = enumFrom('PriceTiming', priceTimings, 'When what units cost is invoiced.', {
  IN_ADVANCE: 'With the new period. FLAT only: the others wait for the count.',
  IN_ARREARS: 'With the invoice that follows the period in which it was used.',
});

@ObjectType('PriceTier', { description: 'A step of a ladder.', simpleResolvers: true })
export class PriceTierType {
  @Field(() => DecimalScalar, { nullable: true, description: 'Its last unit; null: it does not end.' })
  upTo?: string | undefined;
  @Field(() => DecimalScalar, { description: 'Major units for each unit.' })
  unitPrice: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Major units, due once the tier is reached.' })
  flat?: string | undefined;
}

@ObjectType('PriceModel', {
  description: 'What units cost, in major units of a currency; rates may be finer than its minor unit.',
  simpleResolvers: true,
})
export class PriceModelType {
  @Field(() => PriceModelKindEnum, { description: 'How units are priced.' })
  kind: PriceModelKind;
  @Field(() => PriceTimingEnum, { description: 'When it is invoiced.' })
  timing: PriceTiming;
  @Field(() => DecimalScalar, { nullable: true, description: 'FLAT: in all. PER_UNIT: a unit. PACKAGE: a package.' })
  amount?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'PACKAGE: how many units it holds.' })
  packageSize?: string | undefined;
  @Field(() => [PriceTierType], { nullable: true, description: 'GRADUATED, VOLUME: from the lowest.' })
  tiers?: PriceTierType[] | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: 2.9 is 2.9 %.' })
  percent?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: added where there is usage.' })
  fixedFee?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: the least, where there is usage.' })
  minimum?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: the most.' })
  maximum?: string | undefined;
  @Field(() => Boolean, {
    nullable: true,
    description: 'FLAT, GRADUATED, VOLUME: the first fee is due without usage too.',
  })
  flatAtZero?: boolean | undefined;
}

@ObjectType('UsagePrice', { description: 'What units of a feature cost in a currency.', simpleResolvers: true })
export class UsagePriceType {
  @Field(() => CurrencyScalar, { description: 'ISO 4217.' })
  currency: CurrencyCode;
  @Field(() => PriceModelType, { nullable: true, description: 'Units within the limit; null: they cost nothing.' })
  inside?: PriceModelType | undefined;
  @Field(() => PriceModelType, { nullable: true, description: 'Units beyond all limits; null: none are sold.' })
  overage?: PriceModelType | undefined;
}

const text = (value: DecimalValue | undefined) => value && decimalText(value);
const tierOf = ({ upTo, unitPrice, flat }: Tier): PriceTierType => ({
  upTo: text(upTo),
  unitPrice: decimalText(unitPrice),
  flat: text(flat),
});

export function toGraphqlPriceModel(model: PriceModel): PriceModelType {
  return { timing: timingOf(model), ...membersOf(model) };
}

function membersOf(model: PriceModel): Omit<PriceModelType, 'timing'> {
  const { kind } = model;
  switch (kind) {
    case 'FLAT':
      return { kind, amount: text(model.amount), flatAtZero: model.flatAtZero };
    case 'PER_UNIT':
      return { kind, amount: text(model.unitPrice) };
    case 'PACKAGE':
      return { kind, amount: text(model.packagePrice), packageSize: text(model.packageSize) };
    case 'PERCENTAGE': {
      const { percent, fixedFee, minimum, maximum } = model;
      return {
        ...{ kind, percent: text(percent) },
        ...{ fixedFee: text(fixedFee), minimum: text(minimum), maximum: text(maximum) },
      };
    }
    default:
      return { kind, tiers: model.tiers.map(tierOf), flatAtZero: model.flatAtZero };
  }
}

export function toGraphqlUsagePrice({ currency, inside, overage }: CurrencyUsagePrice): UsagePriceType {
  return {
    currency,
    inside: inside && toGraphqlPriceModel(inside),
    overage: overage && toGraphqlPriceModel(overage),
  };
}

@InputType('PriceTierInput', { description: 'A step of a ladder.' })
export class PriceTierInputType {
  @Field(() => DecimalScalar, { nullable: true, description: 'Its last unit; left out for the last tier only.' })
  upTo?: string;
  @Field(() => DecimalScalar, { description: 'Major units for each unit.' })
  unitPrice: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Major units, due once the tier is reached.' })
  flat?: string;
}

@InputType('PriceModelInput', {
  description: 'What units cost, in major units; which members it takes depends on its kind.',
})
export class PriceModelInputType {
  @Field(() => PriceModelKindEnum, { description: 'How units are priced.' })
  kind: PriceModelKind;
  @Field(() => DecimalScalar, { nullable: true, description: 'FLAT: in all. PER_UNIT: a unit. PACKAGE: a package.' })
  amount?: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'PACKAGE: how many units it holds, at least 1.' })
  packageSize?: string;
  @Field(() => [PriceTierInputType], { nullable: true, description: 'GRADUATED, VOLUME: from the lowest.' })
  tiers?: PriceTierInputType[];
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: above 0, at most 100.' })
  percent?: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: added where there is usage.' })
  fixedFee?: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: the least, where there is usage.' })
  minimum?: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENTAGE: the most.' })
  maximum?: string;
  @Field(() => Boolean, {
    nullable: true,
    description: 'FLAT, GRADUATED, VOLUME: the first fee is due without usage too. Default false.',
  })
  flatAtZero?: boolean;
  @Field(() => PriceTimingEnum, { nullable: true, description: 'When it is invoiced. Default IN_ARREARS.' })
  timing?: PriceTiming;
}

@InputType('UsagePriceInput', { description: 'What units of a METERED feature cost in a currency.' })
export class UsagePriceInputType {
  @Field(() => CurrencyScalar, { description: 'ISO 4217; one price for each.' })
  currency: CurrencyCode;
  @Field(() => PriceModelInputType, {
    nullable: true,
    description: 'Units within the limit. Default: they cost nothing.',
  })
  inside?: PriceModelInputType;
  @Field(() => PriceModelInputType, {
    nullable: true,
    description: 'Units beyond all limits. Default: none are sold, and the limit is hard.',
  })
  overage?: PriceModelInputType;
}

/** Texts of the API as the commands take them. */
export function usagePricesFromGraphql(
  inputs: readonly UsagePriceInputType[] | undefined,
  parse: (text: string) => DecimalValue,
): UsagePriceInput[] | undefined {
  const exact = (value: string | undefined) => (value === undefined ? undefined : parse(value));
  const model = (input: PriceModelInputType | undefined): PriceModelInput | undefined =>
    input && {
      kind: input.kind,
      amount: exact(input.amount),
      packageSize: exact(input.packageSize),
      tiers: input.tiers?.map(({ upTo, unitPrice, flat }) => ({
        ...{ upTo: exact(upTo), flat: exact(flat) },
        unitPrice: parse(unitPrice),
      })),
      percent: exact(input.percent),
      ...{ fixedFee: exact(input.fixedFee), minimum: exact(input.minimum), maximum: exact(input.maximum) },
      ...{ flatAtZero: input.flatAtZero, timing: input.timing },
    };
  return inputs?.map(({ currency, inside, overage }) => ({ currency, inside: model(inside), overage: model(overage) }));
}
