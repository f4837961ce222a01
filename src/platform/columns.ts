import { Column, PrimaryColumn, type ValueTransformer } from 'typeorm';
import { type Instant, instantFromDate, type LocalDate, localDate } from '../core/calendar';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';

/**
 * The column kinds that entities are made of, each with its explicit PostgreSQL type and with the conversion that keeps
 * a value exact: the driver hands out bigint and numeric as text, and TypeORM would add text to text.
 */
const nullable =
  <From, To>(convert: (value: From) => To) =>
  (value: From | null | undefined): To | null | undefined =>
    value === null || value === undefined ? (value as null | undefined) : convert(value);

const bigintText: ValueTransformer = {
  from: nullable((text: string) => BigInt(text)),
  to: nullable((value: bigint) => value.toString()),
};
/** PostgreSQL pads numeric(32, 12) with zeros: 20.000000000000. */
export const decimalOfNumeric = (text: string): DecimalValue =>
  decimal(text.includes('.') ? text.replace(/\.?0+$/, '') : text);

const numericText: ValueTransformer = {
  from: nullable(decimalOfNumeric),
  to: nullable((value: DecimalValue) => decimalText(value)),
};
const timestamp: ValueTransformer = {
  from: nullable(instantFromDate),
  // TypeORM compares and prints Dates only.
  to: nullable((value: Instant) => new Date(value.epochMilliseconds)),
};
const dateText: ValueTransformer = {
  from: nullable((text: string) => localDate(text)),
  to: nullable((value: LocalDate) => value.toString()),
};

interface Options {
  readonly nullable?: boolean;
}

export const KeyColumn = (name: string) => PrimaryColumn({ name, type: 'uuid' });
export const KeyTextColumn = (name: string) => PrimaryColumn({ name, type: 'text' });
export const KeyIntegerColumn = (name: string) => PrimaryColumn({ name, type: 'integer' });
export const UuidColumn = (name: string, options: Options = {}) => Column({ name, type: 'uuid', ...options });
export const TextColumn = (name: string, options: Options = {}) => Column({ name, type: 'text', ...options });
export const IntegerColumn = (name: string, options: Options = {}) => Column({ name, type: 'integer', ...options });
export const BooleanColumn = (name: string, options: Options = {}) => Column({ name, type: 'boolean', ...options });
export const TextArrayColumn = (name: string) => Column({ name, type: 'text', array: true });
export const UuidArrayColumn = (name: string) => Column({ name, type: 'uuid', array: true });
export const IntegerArrayColumn = (name: string) => Column({ name, type: 'integer', array: true });
export const JsonColumn = (name: string, options: Options = {}) => Column({ name, type: 'jsonb', ...options });
export const BytesColumn = (name: string) => Column({ name, type: 'bytea' });
/** Minor units or whole counts. */
export const BigintColumn = (name: string, options: Options = {}) =>
  Column({ name, type: 'bigint', transformer: bigintText, ...options });
/** Rates, percentages, measured quantities. */
export const NumericColumn = (name: string, options: Options = {}) =>
  Column({ name, type: 'numeric', transformer: numericText, ...options });
export const TimestampColumn = (name: string, options: Options = {}) =>
  Column({ name, type: 'timestamptz', precision: 3, transformer: timestamp, ...options });
export const DateColumn = (name: string, options: Options = {}) =>
  Column({ name, type: 'date', transformer: dateText, ...options });
