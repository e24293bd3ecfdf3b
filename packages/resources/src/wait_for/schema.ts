import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

const seconds = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));

/** Parameters of `wait_for`. */
export const WaitForParams = Type.Object(
  {
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'TCP port to try' })),
    host: Type.Optional(Type.String({ description: 'address or name that port belongs to; 127.0.0.1 by default' })),
    path: Type.Optional(AbsolutePath('instead of port: a file to look for')),
    search_regex: Type.Optional(Type.String({ description: 'with path: a regular expression that the file must hold' })),
    state: Type.Optional(Type.Union([Type.Literal('started'), Type.Literal('present'), Type.Literal('stopped'), Type.Literal('absent')], {
      description: 'started or present: the port is open, the file is there; stopped or absent: it is not; started by default',
    })),
    timeout: seconds('seconds until the task fails; 300 by default. Without port and path: how long to wait'),
    delay: seconds('seconds before the first look; 0 by default'),
    sleep: seconds('seconds between looks; 1 by default'),
    connect_timeout: seconds('seconds for one try to connect; 5 by default'),
    msg: Type.Optional(Type.String({ description: 'what to say when it did not happen in time' })),
  },
  { additionalProperties: false, not: { required: ['port', 'path'] } },
);
export type WaitForParams = Static<typeof WaitForParams>;
