import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { isRunning, type Licence, type LicenceSeat } from './licence';

export interface AssignSeatInput {
  readonly licenceId: string;
  readonly userId: string;
}

export const assignSeatRefusals = [
  'LICENCE_NOT_FOUND',
  'LICENCE_NOT_RUNNING',
  'MEMBER_NOT_FOUND',
  'NO_SEAT_LEFT',
] as const;

export interface AssignSeatDone {
  readonly seat: LicenceSeat;
  readonly licence: Licence;
  /** `false`: the person had one already. */
  readonly created: boolean;
}

/** Gives a seat to one of the organisation's people, where one is free. The caller holds the tenant's lock. */
export async function giveSeat(
  tx: Pick<Tx, 'licences' | 'newId' | 'now' | 'emit'>,
  licence: Licence,
  member: { readonly userId: string; readonly email: string },
): Promise<LicenceSeat | undefined> {
  if (!(await tx.licences.takeSeat(licence.tenantId, licence.id))) return undefined;
  const seat: LicenceSeat = {
    id: tx.newId<'LicenceSeat'>(),
    tenantId: licence.tenantId,
    partnerId: licence.partnerId,
    licenceId: licence.id,
    userId: member.userId,
    email: member.email,
    assignedAt: tx.now,
  };
  await tx.licences.insertSeat(seat);
  await tx.emit({ type: 'licence_seat.assigned', payload: { seat } });
  return seat;
}

/** Never more seats are given out than were bought. Giving one to somebody who has one is the same act. */
export async function assignSeat(
  tx: Tx,
  input: AssignSeatInput,
): Promise<Result<AssignSeatDone, (typeof assignSeatRefusals)[number]>> {
  const notFound = refuse('LICENCE_NOT_FOUND', 'No such licence.', { path: ['input', 'licenceId'] });
  const decoded = decodeId(input.licenceId);
  if (decoded?.kind !== 'Licence' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  await tx.tenants.lock(tx.tenant.id);
  const licence = await tx.licences.byId(tx.tenant.id, decoded.uuid);
  if (!licence) return notFound;
  const user = decodeId(input.userId);
  const member = user?.kind === 'User' ? await tx.memberships.profile(tx.tenant.id, user.uuid) : undefined;
  if (!member) {
    return refuse('MEMBER_NOT_FOUND', 'No such member of the organisation.', { path: ['input', 'userId'] });
  }
  const existing = await tx.licences.seatOf(tx.tenant.id, licence.id, member.userId);
  if (existing) return done({ seat: existing, licence, created: false });
  if (!isRunning(licence, tx.now)) {
    return refuse('LICENCE_NOT_RUNNING', 'The licence does not run.', {
      facts: { expiredAt: licence.expiresAt.toString() },
    });
  }
  const seat = await giveSeat(tx, licence, member);
  if (!seat) {
    return refuse('NO_SEAT_LEFT', `All ${licence.seats} seats are given out.`, {
      facts: { seats: licence.seats, assigned: licence.assigned },
    });
  }
  return done({ seat, licence: { ...licence, assigned: licence.assigned + 1n }, created: true });
}
