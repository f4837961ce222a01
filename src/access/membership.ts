import type { Instant } from '../core/calendar';
import type { PartnerRole, TenantRole } from './actor';

/** A person's place in a partner (`partner_users`) or a tenant (`profiles`). */
export interface Member {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly role: PartnerRole | TenantRole;
  readonly createdAt: Instant;
}

const emailPattern = /^[^\s@<>"]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/;

export function isEmail(text: string): boolean {
  return text.length <= 254 && emailPattern.test(text);
}
