import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { Licence, LicenceSeat } from './licence';

export interface RevokeSeatInput {
  readonly licenceId: string;
  readonly userId: string;
}

export const revokeSeatRefusals = ['LICENCE_NOT_FOUND', 'SEAT_NOT_FOUND'] as const;

/** Takes a seat back, also from somebody who has left and of a term that has ended. */
export async function revokeSeat(
  tx: Tx,
  input: RevokeSeatInput,
): Promise<Result<{ seat: LicenceSeat; licence: Licence }, (typeof revokeSeatRefusals)[number]>> {
  const notFound = refuse('LICENCE_NOT_FOUND', 'No such licence.', { path: ['input', 'licenceId'] });
  const decoded = decodeId(input.licenceId);
  if (decoded?.kind !== 'Licence' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  await tx.tenants.lock(tx.tenant.id);
  const licence = await tx.licences.byId(tx.tenant.id, decoded.uuid);
  if (!licence) return notFound;
  const user = decodeId(input.userId);
  const seat = user?.kind === 'User' ? await tx.licences.seatOf(tx.tenant.id, licence.id, user.uuid) : undefined;
  if (!seat) return refuse('SEAT_NOT_FOUND', 'This person has no seat.', { path: ['input', 'userId'] });
  await tx.licences.revokeSeat(seat, tx.now);
  const revoked = { ...seat, revokedAt: tx.now };
  await tx.emit({ type: 'licence_seat.revoked', payload: { seat: revoked } });
  return done({ seat: revoked, licence: { ...licence, assigned: licence.assigned - 1n } });
}
