import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import { updateAddon } from './update-addon.command';

export interface ArchiveAddonInput {
  readonly addon: string;
  readonly expectedVersion?: number | undefined;
}

export const archiveAddonRefusals = ['ADDON_NOT_FOUND', 'VERSION_CONFLICT'] as const;

/** No longer sold; who has it keeps it. */
export async function archiveAddon(
  tx: Parameters<typeof updateAddon>[0] & Pick<Tx, 'addons'>,
  input: ArchiveAddonInput,
): Promise<Result<{ addon: Addon }, (typeof archiveAddonRefusals)[number]>> {
  const result = await updateAddon(tx, { ...input, status: 'ARCHIVED' });
  // Only a status is changed: what the other inputs could be refused for cannot happen here.
  return result.ok ? done(result.value) : (result as Result<never, (typeof archiveAddonRefusals)[number]>);
}
