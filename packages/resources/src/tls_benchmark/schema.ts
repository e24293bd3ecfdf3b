import { Type, type Static } from '@sinclair/typebox';

const words = <const T extends string[]>(values: T, description: string) => Type.Union(values.map((value) => Type.Literal(value as T[number])), { description });

/** Parameters of `tls_benchmark`. */
export const TlsBenchmarkParams = Type.Object(
  {
    server_name: Type.Optional(Type.String({ minLength: 1, description: "load this site only. Default: every TLS site of the web server's configuration, one after the other" })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'load sites of this TCP port only. Default: all' })),
    address: Type.Optional(Type.String({ minLength: 1, description: "address to connect to, whatever the site's name resolves to. Default: the virtual host's own, or 127.0.0.1" })),
    paths: Type.Optional(Type.Array(Type.String({ pattern: '^/\\S*$' }), { minItems: 1, maxItems: 100, description: 'URL paths to ask for. Default: [/]' })),
    concurrency: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 2_000 }), { minItems: 1, maxItems: 50, description: 'users at the same time, a point for each. Default: [5, 10, 20, 30, 40, 60]' })),
    seconds: Type.Optional(Type.Number({ minimum: 1, maximum: 3_600, description: 'seconds of load for each point. Default: 8' })),
    delay: Type.Optional(Type.Number({ minimum: 0, maximum: 600, description: 'seconds, at most, that a user waits before a request. Default: 0, no wait' })),
    resumption: Type.Optional(words(['full', 'resumed', 'both'], 'full: a full handshake for every request, by siege; resumed: sessions are resumed, by a client of our own; both: the one after the other. Default: full')),
    cross_check: Type.Optional(Type.Boolean({ description: 'make the full handshakes a second time with our own client, to compare it with siege. Default: false' })),
    process_models: Type.Optional(
      Type.Array(words(['current', 'prefork', 'one-process'], 'current: as it is; prefork: a process for every connection; one-process: mpm_event with one process of 64 threads'), {
        minItems: 1, maxItems: 3, description: 'process models of Apache to measure under, one after the other. Any but `current` restarts the server, proves its sites, and puts back what was there. Default: [current]',
      }),
    ),
    deadline: Type.Optional(Type.Number({ minimum: 1, maximum: 7_200, description: 'seconds for a whole point, after which its programs are killed and it counts as hung. Default: seconds + 8' })),
    patience: Type.Optional(Type.Number({ minimum: 0, maximum: 600, description: 'seconds that the server has to answer before a point and after it. Default: 20' })),
    load_from: Type.Optional(words(['webserver', 'control'], 'control: make no load, only tell what there is to load, for a control host that makes it. Default: webserver')),
    read_tokens: Type.Optional(words(['auto', 'never'], 'auto: read the tokens, the careful way, to know the label of each key, unless this is known to disturb the sites; never: go by what is served alone. Default: auto')),
  },
  { additionalProperties: false },
);
export type TlsBenchmarkParams = Static<typeof TlsBenchmarkParams>;
