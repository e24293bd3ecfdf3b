import { Expression } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `debug`. */
export const DebugParams = Type.Object(
  {
    msg: Type.Optional(Type.Unknown({ description: 'what to say; "Hello world!" by default' })),
    var: Type.Optional(Expression('instead of msg: an expression, without braces, whose value is said')),
    verbosity: Type.Optional(Type.Integer({ minimum: 0, description: 'above 0: only registered, not said; 0 by default' })),
  },
  { additionalProperties: false, not: { required: ['msg', 'var'] } },
);
export type DebugParams = Static<typeof DebugParams>;
