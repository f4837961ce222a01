import type { ProviderName } from '../payments/provider';

/** The provider through which a tenant of this kind pays for licences; `undefined`: none is connected. */
export function chooseLicenceProvider(
  providers: { usable(name: ProviderName, sandbox: boolean): boolean },
  sandbox: boolean,
): ProviderName | undefined {
  return (['PADDLE', 'FAKE'] as const).find((name) => providers.usable(name, sandbox));
}
