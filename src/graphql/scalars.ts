import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { Temporal } from 'temporal-polyfill';
import { type Instant, instantText, type LocalDate, parseTimeZone, type TimeZone } from '../core/calendar';
import { type CurrencyCode, isCurrencyCode } from '../core/currency';
import { type DecimalValue, decimalText, isDecimalText } from '../core/decimal';

/**
 * Scalars that take text only, of bounded length and a strict pattern: nothing here is ever a JavaScript number, and bad
 * input is refused before any library sees it.
 */
interface TextScalar<Internal> {
  readonly name: string;
  readonly description: string;
  readonly specifiedByURL?: string;
  readonly longest: number;
  readonly parse: (text: string) => Internal | undefined;
  readonly print: (value: Internal) => string;
}

function textScalar<Internal>(definition: TextScalar<Internal>): GraphQLScalarType<Internal, string> {
  const parse = (value: unknown): Internal => {
    const text = typeof value === 'string' && value.length <= definition.longest ? value : undefined;
    const parsed = text === undefined ? undefined : definition.parse(text);
    if (parsed === undefined) {
      throw new GraphQLError(`Not a ${definition.name}. ${definition.description.split('\n')[0]}`, {
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
    return parsed;
  };
  return new GraphQLScalarType<Internal, string>({
    name: definition.name,
    description: definition.description,
    specifiedByURL: definition.specifiedByURL,
    serialize: (value) => definition.print(value as Internal),
    parseValue: parse,
    parseLiteral: (node: ValueNode) => parse(node.kind === Kind.STRING ? node.value : undefined),
  });
}

export const DecimalScalar = textScalar<string>({
  name: 'Decimal',
  description:
    'An exact decimal as a string, such as "49.00": digits with at most 20 before and 12 after the point. No exponent, no sign +, never a JSON number.',
  longest: 40,
  parse: (text) => (isDecimalText(text) ? text : undefined),
  print: (value: string | DecimalValue) => (typeof value === 'string' ? value : decimalText(value)),
});

export const BigIntScalar = textScalar<bigint>({
  name: 'BigInt',
  description: 'A whole number as a string, such as "4900"; up to 19 digits.',
  longest: 20,
  parse: (text) => (/^-?(?:0|[1-9][0-9]{0,18})$/.test(text) && text !== '-0' ? BigInt(text) : undefined),
  print: (value) => value.toString(),
});

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$/;
const earliest = Temporal.Instant.from('1970-01-01T00:00:00Z').epochMilliseconds;
const latest = Temporal.Instant.from('2200-01-01T00:00:00Z').epochMilliseconds;

export const DateTimeScalar = textScalar<Instant>({
  name: 'DateTime',
  description:
    'A point in time by RFC 3339, such as "2025-12-21T00:00:00Z", with at most milliseconds; answers are in UTC. From 1970 to 2199.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  longest: 40,
  parse: (text) => {
    if (!instantPattern.test(text)) return undefined;
    try {
      const instant = Temporal.Instant.from(text);
      return instant.epochMilliseconds >= earliest && instant.epochMilliseconds < latest ? instant : undefined;
    } catch {
      return undefined;
    }
  },
  print: instantText,
});

export const LocalDateScalar = textScalar<LocalDate>({
  name: 'LocalDate',
  description: 'A calendar date in the billing zone, such as "2025-12-21". From 1970 to 2199.',
  longest: 10,
  parse: (text) => {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
    try {
      const date = Temporal.PlainDate.from(text, { overflow: 'reject' });
      return date.year >= 1970 && date.year < 2200 ? date : undefined;
    } catch {
      return undefined;
    }
  },
  print: (value) => value.toString(),
});

export const CurrencyScalar = textScalar<CurrencyCode>({
  name: 'CurrencyCode',
  description: 'An ISO 4217 currency code, such as "EUR".',
  specifiedByURL: 'https://www.iso.org/iso-4217-currency-codes.html',
  longest: 3,
  parse: (text) => (isCurrencyCode(text) ? text : undefined),
  print: (value) => value,
});

export const TimeZoneScalar = textScalar<TimeZone>({
  name: 'TimeZone',
  description: 'An IANA time zone, such as "Europe/Berlin".',
  specifiedByURL: 'https://www.iana.org/time-zones',
  longest: 64,
  parse: parseTimeZone,
  print: (value) => value,
});
