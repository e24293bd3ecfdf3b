import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `set_fact`: any variable's name. */
export const SetFactParams = Type.Object(
  { cacheable: Type.Optional(Type.Boolean({ description: 'taken for compatibility: facts last for the run' })) },
  { additionalProperties: true, propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }, minProperties: 1 },
);
export type SetFactParams = Static<typeof SetFactParams>;
