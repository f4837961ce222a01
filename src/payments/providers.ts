import { type Refused, refuse } from '../core/result';
import type { PaymentProvider, ProviderName } from './provider';

/** The providers that have their secrets. One without is off: what needs it refuses, everything else goes on. */
export class Providers {
  private readonly byName: ReadonlyMap<ProviderName, PaymentProvider>;

  constructor(providers: readonly PaymentProvider[]) {
    this.byName = new Map(providers.map((provider) => [provider.name, provider]));
  }

  get(name: ProviderName): PaymentProvider | undefined {
    return this.byName.get(name);
  }

  get names(): readonly ProviderName[] {
    return [...this.byName.keys()];
  }

  /** By the name in a path: `/webhooks/stripe`. */
  bySlug(slug: string): PaymentProvider | undefined {
    return /^[a-z]+$/.test(slug) ? this.byName.get(slug.toUpperCase() as ProviderName) : undefined;
  }

  /** Whether money of this tenant may go through it: a sandbox tenant's through a test mode only, and the other way round. */
  usable(name: ProviderName, sandbox: boolean): boolean {
    const provider = this.byName.get(name);
    return provider !== undefined && provider.live === !sandbox;
  }
}

/** What is asked of a provider that is off, or in the other mode. */
export function providerOff(name: ProviderName): Refused<'PROVIDER_NOT_CONFIGURED'> {
  return refuse('PROVIDER_NOT_CONFIGURED', 'This payment provider is not connected for this kind of tenant.', {
    facts: { provider: name },
  });
}
