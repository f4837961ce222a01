import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type ProviderSecrets, providerProblems, providerSecrets } from './payments/provider-secrets';
import { SetupError } from './platform/setup-error';
import { defaultRates, type RateSettings } from './rate-limits';

/** The fields of cron: the least and the most of minutes, hours, days, months and days of the week. */
const cronFields = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** What the job queue can read: `*`, `*` by steps, numbers, ranges, and lists of these. */
function isCron(text: string): boolean {
  const fields = text.split(' ');
  return (
    fields.length === cronFields.length &&
    cronFields.every(([least, most], index) =>
      fields[index]!.split(',').every((part) => {
        const steps = /^\*(?:\/([1-9]\d{0,2}))?$/.test(part);
        const [, from = '', to = from] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part) ?? [];
        const isRange = from !== '' && Number(from) >= least && Number(to) <= most;
        return steps || (isRange && (to === from || Number(from) < Number(to)));
      }),
    )
  );
}

const schedule = z
  .string()
  .refine((text) => text === 'off' || isCron(text), 'five fields of cron in UTC, such as */10 * * * *, or off');

// Each message completes "PORT has to be …", and never says what it was: a secret may stand in the wrong place.
const whole = (least: number, most: number) => {
  const says = `a whole number from ${least} to ${most}`;
  return z.coerce.number(says).int(says).min(least, says).max(most, says);
};
const oneOf = <const T extends string>(...values: readonly [T, ...T[]]) =>
  z.enum(values, `one of ${values.join(', ')}`);
const secret = (least: number) => z.string().min(least, `at least ${least} characters long`);
const postgres = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'an address such as postgresql://localhost:5432/tollgate',
});
const web = z.url({ protocol: /^https?$/, error: 'an address that begins with https://' });

/** 0: no limit. */
const rate = whole(0, 1_000_000_000);

/**
 * The environment, checked once. Nobody else reads `process.env`. In the demo every secret is made on first start and
 * kept in DATA_DIR; in production there is no default for any of them, and the gateway refuses to start without.
 */
const environment = z.object({
  TOLLGATE_ENV: oneOf('demo', 'production').optional(),
  NODE_ENV: z.string().optional(),
  PORT: whole(0, 65_535).optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATA_DIR: z.string().min(1).default('.tollgate'),
  DATABASE_URL: postgres.optional(),
  DATABASE_APP_URL: postgres.optional(),
  DATABASE_JOB_URL: postgres.optional(),
  DATABASE_POOL: whole(1, 200).default(20),
  DATABASE_QUEUE_URL: postgres.optional(),
  BILLING_SCHEDULE: schedule.default('*/10 * * * *'),
  CHECK_SCHEDULE: schedule.default('23 3 * * *'),
  BILLING_WORKERS: whole(1, 64).default(2),
  PG_BIN: z.string().min(1).optional(),
  JWT_ISSUER: z.string().min(1).optional(),
  JWT_AUDIENCE: z.string().min(1).default('tollgate'),
  JWKS_URL: web.optional(),
  QUOTE_SECRET: secret(32).optional(),
  WEBHOOK_KEY: secret(32).optional(),
  WEBHOOK_DISPATCHER: oneOf('true', 'false').default('true'),
  WEBHOOK_ALLOW_LOOPBACK: oneOf('true', 'false').default('false'),
  REQUEST_SECONDS: whole(1, 3_600).default(30),
  USAGE_BODY_MB: whole(1, 1_000_000).default(256),
  USAGE_STREAMS: whole(1, 1_000).default(4),
  RATE_LIMIT_ACTOR: rate.default(defaultRates.actor),
  RATE_LIMIT_ACCOUNT: rate.default(defaultRates.account),
  RATE_LIMIT_BURST_SECONDS: whole(1, 3_600).default(defaultRates.burstSeconds),
  RATE_LIMIT_DOCUMENTS: rate.default(defaultRates.documents),
  RATE_LIMIT_COUPON_CODES: rate.default(defaultRates.couponCodes),
  METRICS_PORT: whole(0, 65_535).optional(),
  METRICS_TOKEN: secret(16).optional(),
  PAYMENT_WORKERS: whole(0, 32).default(2),
  STRIPE_SECRET_KEY: z.string().optional(),
  STRIPE_WEBHOOK_SECRET: z.string().optional(),
  STRIPE_API_URL: web.optional(),
  PADDLE_API_KEY: z.string().optional(),
  PADDLE_WEBHOOK_SECRET: z.string().optional(),
  PADDLE_API_URL: web.optional(),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('warn'),
});

export interface HttpSettings {
  /** Milliseconds in which a request has to arrive. */
  readonly request: number;
  /** `POST /v1/usage`: bytes of a request, and requests of one actor at the same time. */
  readonly usage: { readonly bytes: number; readonly streams: number };
}

/** With neither there are no metrics; with a token alone they are on the gateway's port. */
export interface MetricsSettings {
  /** A place of their own; port 0: any that is free. */
  readonly at: { readonly host: string; readonly port: number } | undefined;
  readonly token: string | undefined;
}

export interface Config {
  readonly mode: 'demo' | 'production';
  /** `undefined`: 4000, or the next free port. */
  readonly port: number | undefined;
  readonly host: string;
  readonly dataFolder: string;
  /** `undefined`: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly databaseAppUrl: string | undefined;
  readonly databaseJobUrl: string | undefined;
  readonly databaseQueueUrl: string | undefined;
  readonly poolSize: number;
  /** When the server looks at its invariants by itself; `undefined`: never. */
  readonly checkSchedule: string | undefined;
  /** When it bills by itself. */
  readonly billing: { readonly schedule: string; readonly workers: number } | undefined;
  readonly postgresBinaries: string | undefined;
  readonly identity: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string } | undefined;
  readonly quoteSecret: string | undefined;
  /** What the secrets of webhooks follow from. */
  readonly webhookKey: string | undefined;
  /** Whether this process numbers and delivers events; any number of processes may. */
  readonly webhookDispatcher: boolean;
  /** The demo only: webhooks may go to this machine, over http. */
  readonly webhookLoopback: boolean;
  /** How much of the payments and of the inbox this process does at the same time; 0: none, another process does. */
  readonly paymentWorkers: number;
  /** Of the payment providers that have theirs; the others are off. */
  readonly providerSecrets: ProviderSecrets;
  readonly logLevel: string;
  /** npm started this process: it ends when npm does. */
  readonly startedByNpm: boolean;
  readonly http: HttpSettings;
  readonly rates: RateSettings;
  readonly metrics: MetricsSettings;
  /** What must never be printed. */
  readonly secrets: readonly string[];
}

/** A configuration that cannot work: says which variable and what to do. */
export class ConfigError extends SetupError {
  override readonly name = 'ConfigError';
}

const secretNames = [
  'QUOTE_SECRET',
  'WEBHOOK_KEY',
  'METRICS_TOKEN',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'PADDLE_API_KEY',
  'PADDLE_WEBHOOK_SECRET',
] as const;
const databaseNames = ['DATABASE_URL', 'DATABASE_APP_URL', 'DATABASE_JOB_URL', 'DATABASE_QUEUE_URL'] as const;

/** As it stands in an address and as it is meant, whether the rest of the address can be read or not. */
function passwordsIn(address: string): string[] {
  const password = /^[a-z]+:\/\/[^:@/]*:(.+)@/.exec(address)?.[1];
  if (password === undefined) return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** The secrets of an environment, of one that is refused too. */
export function secretsIn(variables: NodeJS.ProcessEnv = process.env): string[] {
  return [
    ...secretNames.flatMap((name) => (variables[name] ?? '').split(',').map((part) => part.trim())),
    ...databaseNames.flatMap((name) => passwordsIn(variables[name] ?? '')),
  ].filter((secret) => secret !== '');
}

const productionNeeds = ['DATABASE_URL', 'JWT_ISSUER', 'JWKS_URL', 'QUOTE_SECRET', 'WEBHOOK_KEY'] as const;

/** The demo shows its metrics without being asked, where only this machine reaches them. */
function metricsPlace(
  values: { METRICS_PORT?: number | undefined; METRICS_TOKEN?: string | undefined; HOST: string },
  mode: Config['mode'],
): MetricsSettings['at'] {
  if (values.METRICS_PORT !== undefined) return { host: values.HOST, port: values.METRICS_PORT };
  return mode === 'demo' && values.METRICS_TOKEN === undefined ? { host: '127.0.0.1', port: 0 } : undefined;
}

export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environment.safeParse(
    Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== '')),
  );
  if (!parsed.success) {
    const said = parsed.error.issues.map((issue) => `${issue.path.join('.')} has to be ${issue.message}`);
    throw new ConfigError(`${[...new Set(said)].join('; ')}: correct it in the environment and start again.`);
  }
  const values = parsed.data;
  const problems = providerProblems(values);
  if (problems.length > 0) {
    throw new ConfigError(`A payment provider cannot be used as it is set up: ${problems.join('; ')}.`);
  }
  const mode = values.TOLLGATE_ENV ?? (values.NODE_ENV === 'production' ? 'production' : 'demo');
  if (mode === 'production') {
    const missing = productionNeeds.filter((name) => !values[name]);
    if (missing.length > 0) {
      throw new ConfigError(
        `In production these have no default: set ${missing.join(', ')} (a secret is 32 characters or more, such as ` +
          `${randomBytes(32).toString('base64url')}), or TOLLGATE_ENV=demo for a demo world.`,
      );
    }
    if (values.WEBHOOK_ALLOW_LOOPBACK === 'true') {
      throw new ConfigError(
        'WEBHOOK_ALLOW_LOOPBACK is for the demo: in production webhooks go to public addresses only.',
      );
    }
  }
  return {
    mode,
    port: values.PORT,
    host: values.HOST,
    dataFolder: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL,
    databaseAppUrl: values.DATABASE_APP_URL,
    databaseJobUrl: values.DATABASE_JOB_URL,
    databaseQueueUrl: values.DATABASE_QUEUE_URL,
    poolSize: values.DATABASE_POOL,
    checkSchedule: values.CHECK_SCHEDULE === 'off' ? undefined : values.CHECK_SCHEDULE,
    billing:
      values.BILLING_SCHEDULE === 'off'
        ? undefined
        : { schedule: values.BILLING_SCHEDULE, workers: values.BILLING_WORKERS },
    postgresBinaries: values.PG_BIN,
    identity:
      values.JWT_ISSUER && values.JWKS_URL
        ? { issuer: values.JWT_ISSUER, audience: values.JWT_AUDIENCE, jwksUrl: values.JWKS_URL }
        : undefined,
    quoteSecret: values.QUOTE_SECRET,
    webhookKey: values.WEBHOOK_KEY,
    webhookDispatcher: values.WEBHOOK_DISPATCHER === 'true',
    webhookLoopback: values.WEBHOOK_ALLOW_LOOPBACK === 'true',
    paymentWorkers: values.PAYMENT_WORKERS,
    providerSecrets: providerSecrets(values),
    logLevel: values.LOG_LEVEL,
    startedByNpm: variables['npm_lifecycle_script']?.includes('src/cli/run.mjs') ?? false,
    rates: {
      ...{ actor: values.RATE_LIMIT_ACTOR, account: values.RATE_LIMIT_ACCOUNT },
      ...{ burstSeconds: values.RATE_LIMIT_BURST_SECONDS, documents: values.RATE_LIMIT_DOCUMENTS },
      couponCodes: values.RATE_LIMIT_COUPON_CODES,
    },
    http: {
      request: values.REQUEST_SECONDS * 1_000,
      usage: { bytes: values.USAGE_BODY_MB * 1024 * 1024, streams: values.USAGE_STREAMS },
    },
    metrics: { at: metricsPlace(values, mode), token: values.METRICS_TOKEN },
    secrets: secretsIn(variables),
  };
}
