import { DirectiveLocation, GraphQLDirective, GraphQLList, GraphQLNonNull, GraphQLString } from 'graphql';
import { type ClassType, createUnionType, Directive, Field, ObjectType, registerEnumType } from 'type-graphql';
import { commonRefusals } from '../app';
import type { Refusal } from '../core/result';
import { refusalCodes } from './refusal-codes';

const codes = Object.fromEntries(Object.keys(refusalCodes).map((code) => [code, code])) as Record<string, string>;

registerEnumType(codes, {
  name: 'RefusalCode',
  description: 'Why an operation was refused. New codes may be added: treat one you do not know like its message says.',
  valuesConfig: Object.fromEntries(Object.entries(refusalCodes).map(([code, description]) => [code, { description }])),
});

@ObjectType('RefusalFact', {
  description: 'A detail of a refusal, e.g. which plan would allow it.',
  simpleResolvers: true,
})
export class RefusalFactType {
  @Field(() => String, { description: 'What the value is, e.g. availableFrom.' })
  name: string;
  @Field(() => String, { description: 'As text.' })
  value: string;
}

@ObjectType('Refused', {
  description: 'The operation was not carried out, and nothing was changed. An answer, not an error.',
  simpleResolvers: true,
})
export class RefusedType {
  @Field(() => codes, { description: 'For programs.' })
  code: string;
  @Field(() => String, { description: 'For people: one sentence.' })
  message: string;
  @Field(() => Boolean, { description: 'The same call may succeed later without a change.' })
  retryable: boolean;
  @Field(() => [String], {
    nullable: true,
    description: 'Which part of the arguments is meant, e.g. ["input", "coupon"].',
  })
  path?: readonly string[] | undefined;
  @Field(() => [RefusalFactType], { description: 'What a client needs to act on it.' })
  facts: readonly RefusalFactType[];
  @Field(() => String, { description: 'Where the code is explained.' })
  docs: string;
}

export interface RefusedAnswer extends RefusedType {
  readonly __typename: 'Refused';
}

export function toGraphqlRefused(refusal: Refusal): RefusedAnswer {
  const { code, message, retryable, path, facts } = refusal;
  return {
    __typename: 'Refused',
    code,
    message,
    retryable,
    path,
    facts,
    docs: `docs/refusals.md#${code.toLowerCase()}`,
  };
}

/** The two-member union of an operation: what it has done, or Refused. */
export function resultOf<T extends object>(name: string, done: ClassType<T>) {
  return createUnionType({
    name: `${name}Result`,
    description: `The answer of ${name[0]!.toLowerCase()}${name.slice(1)}, or why it was refused.`,
    types: () => [done, RefusedType] as const,
    resolveType: (value) => (value as { __typename?: string }).__typename ?? `${name}Done`,
  });
}

/**
 * Says in the schema which codes an operation can answer. The list is the command's own, and the compiler holds the
 * command to it, so the directive cannot promise anything else.
 */
export function Refuses(refusals: readonly string[], common: readonly string[] = commonRefusals): MethodDecorator {
  const all = [...new Set([...common, ...refusals])].sort();
  return Directive(`@refuses(codes: [${all.map((code) => `"${code}"`).join(', ')}])`);
}

export const refusesDirective = new GraphQLDirective({
  name: 'refuses',
  description: 'The codes with which this operation may answer Refused, and no other.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    codes: {
      description: 'Names of RefusalCode.',
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLString))),
    },
  },
});
