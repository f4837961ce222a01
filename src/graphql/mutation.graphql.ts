import { ArgsType, Field, ObjectType } from 'type-graphql';

@ArgsType()
export class MutationArgs {
  @Field(() => String, {
    nullable: true,
    description:
      'A text of your own, new for each intent and the same for a retry: the first answer is replayed instead of acting twice.',
  })
  idempotencyKey?: string | null;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Runs everything and writes nothing: the same answer, rolled back.',
  })
  dryRun?: boolean | null;
}

@ObjectType()
export abstract class MutationDone {
  @Field(() => Boolean, { description: 'This is the stored answer of the first request with this idempotencyKey.' })
  replayed: boolean;
  @Field(() => Boolean, { description: 'Nothing was written.' })
  dryRun: boolean;
}
