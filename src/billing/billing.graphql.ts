import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { type ParkedTenant, type ParkReason, parkAdvice, parkReasons } from './billing-work';

const ParkReasonEnum = enumFrom('ParkReason', parkReasons, 'Why billing goes past a tenant.', parkAdvice);

@ObjectType('ParkedTenant', {
  description: 'A tenant that could not be billed. The billing run goes past it until it is unparked.',
  simpleResolvers: true,
})
export class ParkedTenantType {
  tenantUuid: string;
  @Field(() => ID, { description: 'tenant_…' })
  tenantId: string;
  @Field(() => ParkReasonEnum, { description: 'For programs.' })
  reason: ParkReason;
  @Field(() => String, { description: 'For people: what it means and what to do.' })
  message: string;
  @Field(() => DateTimeScalar, { description: 'What it should have been billed for fell due then.' })
  dueAt: Instant;
  @Field(() => DateTimeScalar, { description: 'When it was set aside.' })
  parkedAt: Instant;
}

export function toGraphqlParkedTenant(parked: ParkedTenant): ParkedTenantType {
  const { tenantId, reason, dueAt, parkedAt } = parked;
  return {
    tenantUuid: tenantId,
    tenantId: encodeId('Tenant', tenantId),
    ...{ reason, dueAt, parkedAt },
    message: parkAdvice[reason],
  };
}

export const ParkedTenantConnection = connectionOf('ParkedTenant', ParkedTenantType);

@InputType('UnparkTenantInput', { description: 'Which tenant billing tries again.' })
export class UnparkTenantInputType {
  @Field(() => ID, { description: 'tenant_…' })
  tenantId: string;
}

@ObjectType('UnparkTenantDone', { description: 'The next billing run tries it again.', simpleResolvers: true })
export class UnparkTenantDone extends MutationDone {
  @Field(() => ID, { description: 'tenant_…' })
  tenantId: string;
  @Field(() => ParkedTenantType, { nullable: true, description: 'As it was; null where it was not parked.' })
  parked?: ParkedTenantType | undefined;
}
export const UnparkTenantResult = resultOf('UnparkTenant', UnparkTenantDone);
