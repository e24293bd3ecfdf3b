import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `fail`. */
export const FailParams = Type.Object(
  { msg: Type.Optional(Type.String({ description: 'why; "failed as requested from task" by default' })) },
  { additionalProperties: false },
);
export type FailParams = Static<typeof FailParams>;
