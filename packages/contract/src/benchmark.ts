import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false };
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);
const literals = <const T extends string[]>(...values: T) => Type.Union(values.map((value) => Type.Literal(value as T[number])));

/**
 * How a point ended. `hung`: ended at its deadline, what it had counted until then is in the numbers, if anything.
 * `unhealthy`: not begun, because the server did not answer a real handshake and page before it; all numbers are 0.
 */
export const BenchmarkOutcome = literals('measured', 'hung', 'unhealthy');
export type BenchmarkOutcome = Static<typeof BenchmarkOutcome>;

/** The key that was measured, as its public half shows it. */
export const BenchmarkKey = Type.Object(
  {
    fingerprint: nullable(Type.String({ description: 'SHA-256 of the DER SubjectPublicKeyInfo, hex; of a served point: what was served; null when nothing was served' })),
    label: nullable(Type.String({ description: 'CKA_LABEL, or what the site calls its key when the token was not read' })),
    type: nullable(Type.String({ description: 'rsa, ec, or another CKK name in lower case' })),
    bits: nullable(Type.Integer({ description: 'of the modulus or the curve' })),
    curve: nullable(Type.String({ description: 'prime256v1, secp384r1, …' })),
  },
  strict,
);
export type BenchmarkKey = Static<typeof BenchmarkKey>;

/** The PKCS#11 module that signed. */
export const BenchmarkModule = Type.Object(
  {
    path: Type.String(),
    description: Type.String({ description: 'library description, as C_GetInfo answers; empty when the module was not asked' }),
    version: Type.String({ description: 'library version, major.minor; empty when the module was not asked' }),
    sha256: nullable(Type.String({ description: 'of the library file, hex' })),
  },
  strict,
);
export type BenchmarkModule = Static<typeof BenchmarkModule>;

/** One point of load against one site: one key, one concurrency, one way of connecting. */
export const SiegePoint = Type.Object(
  {
    kind: Type.Literal('siege'),
    at: Type.String({ description: 'ISO 8601, when the point began' }),
    host: Type.String({ description: 'inventory name of the webserver' }),
    driver: literals('webserver', 'control'),
    tool: Type.String({ description: 'what made the load: "siege 4.0.7", or "hsmfleet" for its own client' }),
    site: Type.String({ description: 'server name' }),
    port: Type.Integer(),
    path: Type.String({ description: 'URL path; of several: joined by commas' }),
    engine: literals('mod_nss', 'mod_ssl'),
    mpm: nullable(literals('prefork', 'event', 'worker')),
    processes: nullable(Type.Integer({ description: 'the most child processes the configuration allows (ServerLimit), 1: one process serves all; null: not limited in the configuration' })),
    tlsProtocol: nullable(Type.String({ description: 'TLSv1.3, …; what the probe before the point negotiated' })),
    module: nullable(BenchmarkModule),
    token: nullable(Type.String({ description: 'label' })),
    key: BenchmarkKey,
    concurrency: Type.Integer({ description: 'users asked for' }),
    delayS: Type.Number({ description: 'each user waits up to this many seconds before a request; 0: benchmark mode, no wait' }),
    seconds: Type.Number({ description: 'duration asked for' }),
    resumption: literals('full', 'resumed'),
    outcome: BenchmarkOutcome,
    problem: nullable(Type.String({ description: 'one line for people: why it hung, what was not healthy, the first error of the load' })),
    transactions: Type.Integer({ description: 'requests answered, whatever the status' }),
    successful: Type.Integer({ description: 'of them, with a status below 400' }),
    failed: Type.Integer({ description: 'connections and handshakes that failed, requests that broke off' }),
    availability: Type.Number({ description: 'percent: successful of all tried; so a 404 lowers it, unlike in siege' }),
    elapsedS: Type.Number({ description: 'duration measured' }),
    dataMB: Type.Number(),
    responseS: Type.Number({ description: 'mean time of a transaction' }),
    rate: Type.Number({ description: 'transactions per second' }),
    throughput: Type.Number({ description: 'MB per second' }),
    reachedConcurrency: Type.Number({ description: 'transactions under way at a time, on average' }),
    longestS: Type.Number(),
    shortestS: Type.Number(),
    resumedShare: nullable(Type.Number({ description: 'share, 0 to 1, of handshakes that were resumed; null when the tool cannot tell' })),
  },
  strict,
);
export type SiegePoint = Static<typeof SiegePoint>;

/** How fast a key signs when nothing else uses its token. */
export const SignPoint = Type.Object(
  {
    kind: Type.Literal('sign'),
    at: Type.String({ description: 'ISO 8601, when the point began' }),
    host: Type.String({ description: 'inventory name, or the name of the station' }),
    module: BenchmarkModule,
    token: Type.String({ description: 'label' }),
    key: BenchmarkKey,
    algorithm: Type.String({ description: 'rsa-pkcs1-sha256 or ecdsa-sha256: what one TLS handshake asks of the key' }),
    sessions: Type.Integer({ description: 'signing at the same time, in one process' }),
    seconds: Type.Number({ description: 'duration asked for' }),
    elapsedS: Type.Number({ description: 'duration measured' }),
    signatures: Type.Integer(),
    failed: Type.Integer(),
    rate: Type.Number({ description: 'signatures per second' }),
    outcome: BenchmarkOutcome,
    problem: nullable(Type.String({ description: 'one line for people' })),
  },
  strict,
);
export type SignPoint = Static<typeof SignPoint>;

/** One measured point; told apart by `kind`. */
export const BenchmarkPoint = Type.Union([SiegePoint, SignPoint]);
export type BenchmarkPoint = Static<typeof BenchmarkPoint>;
