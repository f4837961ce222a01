import { StripeFault } from './fault';

export type FormValue = string | FormValue[] | { readonly [key: string]: FormValue };
export type Form = { readonly [key: string]: FormValue };

const keyPattern = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** `items[0][price]=p&expand[]=x` → `{ items: [{ price: 'p' }], expand: ['x'] }`, as Stripe reads bodies and queries. */
export function parseForm(text: string): Form {
  const root: Record<string, unknown> = Object.create(null);
  for (const [key, value] of new URLSearchParams(text)) {
    const match = keyPattern.exec(key);
    if (!match) throw StripeFault.invalid(`Invalid parameter name: ${key}`, key);
    const path = [match[1]!, ...[...match[2]!.matchAll(/\[([^\]]*)\]/g)].map(([, part]) => part!)];
    if (path.some((part) => forbidden.has(part))) throw StripeFault.unknownParameter(key);
    let node = root;
    for (const [index, part] of path.entries()) {
      const last = index === path.length - 1;
      const name = part === '' ? String(Object.keys(node).length) : part;
      if (last) {
        node[name] = value;
      } else {
        node[name] ??= Object.create(null);
        if (typeof node[name] !== 'object') throw StripeFault.invalid(`Invalid object: ${key}`, key);
        node = node[name] as Record<string, unknown>;
      }
    }
  }
  return shape(root) as Form;
}

/** Objects whose keys are 0, 1, 2, … are lists. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const isList = entries.length > 0 && entries.every(([key], index) => key === String(index));
  return isList
    ? entries.map(([, item]) => shape(item))
    : Object.fromEntries(entries.map(([key, item]) => [key, shape(item)]));
}

/** Reads parameters as the kinds that the API declares, and refuses others as Stripe does. */
export class Params {
  constructor(
    readonly form: Form,
    private readonly prefix = '',
  ) {}

  private name(key: string): string {
    return this.prefix ? `${this.prefix}[${key}]` : key;
  }

  has(key: string): boolean {
    return this.form[key] !== undefined;
  }

  text(key: string): string | undefined {
    const value = this.form[key];
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') throw StripeFault.invalid(`Invalid string: ${this.name(key)}`, this.name(key));
    return value;
  }

  required(key: string): string {
    const value = this.text(key);
    if (value === undefined) {
      throw new StripeFault(400, {
        type: 'invalid_request_error',
        code: 'parameter_missing',
        message: `Missing required param: ${this.name(key)}.`,
        param: this.name(key),
      });
    }
    return value;
  }

  integer(key: string): number | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,15}$/.test(value)) {
      throw new StripeFault(400, {
        type: 'invalid_request_error',
        code: 'parameter_invalid_integer',
        message: `Invalid integer: ${value}`,
        param: this.name(key),
      });
    }
    return Number(value);
  }

  flag(key: string): boolean | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') {
      throw StripeFault.invalid(`Invalid boolean: ${value}`, this.name(key));
    }
    return value === 'true';
  }

  oneOf<const T extends string>(key: string, values: readonly T[]): T | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    if (!values.includes(value as T)) {
      throw StripeFault.invalid(`Invalid ${this.name(key)}: must be one of ${values.join(', ')}`, this.name(key));
    }
    return value as T;
  }

  object(key: string, accepts: readonly string[]): Params | undefined {
    const value = this.form[key];
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' || Array.isArray(value)) {
      throw StripeFault.invalid(`Invalid object`, this.name(key));
    }
    return new Params(value as Form, this.name(key)).accept(accepts);
  }

  list(key: string, accepts: readonly string[]): Params[] {
    const value = this.form[key];
    if (value === undefined || value === '') return [];
    if (!Array.isArray(value)) throw StripeFault.invalid('Invalid array', this.name(key));
    return value.map((item, index) => {
      if (typeof item === 'string') throw StripeFault.invalid('Invalid object', `${this.name(key)}[${index}]`);
      return new Params(item as Form, `${this.name(key)}[${index}]`).accept(accepts);
    });
  }

  texts(key: string): string[] {
    const value = this.form[key];
    if (value === undefined || value === '') return [];
    return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
  }

  /** Metadata: at most 50 keys of 40 characters with values of 500. */
  metadata(key = 'metadata'): Record<string, string> {
    const value = this.form[key];
    if (value === undefined || value === '') return {};
    const entries = Object.entries(value as Form);
    if (
      typeof value === 'string' ||
      entries.length > 50 ||
      entries.some(([name, text]) => typeof text !== 'string' || name.length > 40 || text.length > 500)
    ) {
      throw StripeFault.invalid('Invalid metadata', this.name(key));
    }
    return Object.fromEntries(entries) as Record<string, string>;
  }

  /** A parameter that is not known is an error, not silently ignored. */
  accept(names: readonly string[]): this {
    const strange = Object.keys(this.form).find((key) => !names.includes(key));
    if (strange !== undefined) throw StripeFault.unknownParameter(this.name(strange));
    return this;
  }
}
