import { Expression } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

const that = Expression('an expression that must hold, without braces');
const message = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description }));

/** Parameters of `assert`. */
export const AssertParams = Type.Object(
  {
    that: Type.Union([Type.Array(that), that], { description: 'one expression or a list: all must hold' }),
    fail_msg: message('what to say when one does not hold'),
    msg: message('another name of fail_msg'),
    success_msg: message('what to say when all hold; "all assertions passed" by default'),
    quiet: Type.Optional(Type.Boolean({ description: 'say nothing when all hold; false by default' })),
  },
  { additionalProperties: false },
);
export type AssertParams = Static<typeof AssertParams>;
