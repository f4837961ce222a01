/**
 * Which secrets each provider needs. All of a provider's or none: with none it is off, and what needs it says so; with a part
 * of them the gateway does not start.
 */
export interface ProviderSecrets {
  readonly stripe?: {
    readonly secretKey: string;
    /** The current ones: two while a secret is rotated. */
    readonly webhookSecrets: readonly string[];
    /** `undefined`: Stripe itself. */
    readonly apiUrl: string | undefined;
    readonly live: boolean;
  };
  readonly paddle?: {
    readonly apiKey: string;
    readonly webhookSecrets: readonly string[];
    readonly apiUrl: string | undefined;
    readonly live: boolean;
  };
}

/** The variables as they are in the environment; empty ones count as missing. */
export interface ProviderVariables {
  readonly STRIPE_SECRET_KEY?: string | undefined;
  readonly STRIPE_WEBHOOK_SECRET?: string | undefined;
  readonly STRIPE_API_URL?: string | undefined;
  readonly PADDLE_API_KEY?: string | undefined;
  readonly PADDLE_WEBHOOK_SECRET?: string | undefined;
  readonly PADDLE_API_URL?: string | undefined;
}

const shapes = {
  STRIPE_SECRET_KEY: {
    pattern: /^[sr]k_(test|live)_[A-Za-z0-9_]{8,}$/,
    says: 'begins with sk_test_, sk_live_, rk_test_ or rk_live_',
  },
  STRIPE_WEBHOOK_SECRET: {
    pattern: /^whsec_[^\s,]{16,}$/,
    says: 'begins with whsec_; two of them, with a comma between, while it is rotated',
  },
  PADDLE_API_KEY: {
    pattern: /^pdl_(sdbx|live)_apikey_[A-Za-z0-9_]{8,}$/,
    says: 'begins with pdl_sdbx_apikey_ or pdl_live_apikey_',
  },
  PADDLE_WEBHOOK_SECRET: {
    pattern: /^pdl_ntfset_[^\s,]{16,}$/,
    says: 'begins with pdl_ntfset_; two of them, with a comma between, while it is rotated',
  },
} as const;
type SecretName = keyof typeof shapes;

const needs: readonly [SecretName, SecretName][] = [
  ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
  ['PADDLE_API_KEY', 'PADDLE_WEBHOOK_SECRET'],
];

/** There is one key at a time, and what is sent is all of it. */
const rotates = (name: SecretName) => name.endsWith('_WEBHOOK_SECRET');
const parts = (value: string | undefined) => (value ?? '').split(',').map((part) => part.trim());

/** What is wrong, in sentences that name variables and never their values. Empty: nothing. */
export function providerProblems(variables: ProviderVariables): string[] {
  return needs.flatMap((pair) => {
    const missing = pair.filter((name) => !variables[name]);
    if (missing.length === pair.length) return [];
    if (missing.length > 0) {
      const given = pair.find((name) => !missing.includes(name));
      return [`${given} is set but ${missing.join(', ')} is not: set both, or neither to leave the provider off`];
    }
    return pair.flatMap((name) => {
      const given = rotates(name) ? parts(variables[name]) : [variables[name] ?? ''];
      return given.every((part) => shapes[name].pattern.test(part)) ? [] : [`${name} ${shapes[name].says}`];
    });
  });
}

/** Of variables without problems. */
export function providerSecrets(variables: ProviderVariables): ProviderSecrets {
  const { STRIPE_SECRET_KEY: stripe, PADDLE_API_KEY: paddle } = variables;
  return {
    ...(stripe && {
      stripe: {
        secretKey: stripe,
        webhookSecrets: parts(variables.STRIPE_WEBHOOK_SECRET),
        apiUrl: variables.STRIPE_API_URL,
        live: /^[sr]k_live_/.test(stripe),
      },
    }),
    ...(paddle && {
      paddle: {
        apiKey: paddle,
        webhookSecrets: parts(variables.PADDLE_WEBHOOK_SECRET),
        apiUrl: variables.PADDLE_API_URL,
        live: /^pdl_live_/.test(paddle),
      },
    }),
  };
}
