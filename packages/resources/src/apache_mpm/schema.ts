import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `apache_mpm`. */
export const ApacheMpmParams = Type.Object(
  {
    mpm: Type.Optional(Type.Union([Type.Literal('event'), Type.Literal('worker')], { description: 'process model. Default: event' })),
    server_limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'processes. Default: 1, for processes take the login of a token from each other' })),
    threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'threads of each process. Default: 64' })),
    max_connections_per_child: Type.Optional(Type.Integer({ minimum: 0, description: 'connections after which a process ends. Default: 0, never, for every start of one costs a login' })),
  },
  { additionalProperties: false },
);
export type ApacheMpmParams = Static<typeof ApacheMpmParams>;
