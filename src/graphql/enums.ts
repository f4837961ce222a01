import { registerEnumType } from 'type-graphql';

type EnumOf<Names extends readonly string[]> = { readonly [Name in Names[number]]: Name };

/** A GraphQL enum from the domain's own list of names, with a description for each: no second list to keep in step. */
export function enumFrom<const Names extends readonly string[]>(
  name: string,
  names: Names,
  description: string,
  values: Readonly<Record<Names[number], string>>,
): EnumOf<Names> {
  const members = Object.fromEntries(names.map((member) => [member, member])) as EnumOf<Names>;
  registerEnumType(members as Record<string, string>, {
    name,
    description,
    valuesConfig: Object.fromEntries(
      names.map((member) => [member, { description: values[member as Names[number]] }]),
    ) as never,
  });
  return members;
}
