import { CheckOutcome } from '@hsmfleet/contract/schemas';
import { Type, type Static } from '@sinclair/typebox';
import { HostResult } from './checks.ts';
import { RunStatus } from './runs.ts';
import { literals, nullable, page, paging, strict, time } from './shape.ts';

/** How much the newest inventory of a host can be relied on. */
export const HostState = literals('fresh', 'stale', 'error', 'never');
export type HostState = Static<typeof HostState>;

const text = (description: string) => nullable(Type.String({ description }));
const flag = (description: string) => nullable(Type.Boolean({ description }));
const host = Type.String({ description: 'name in the hosts file' });

/** One line of the list of hosts. */
export const HostSummary = Type.Object(
  {
    host,
    state: HostState,
    problem: text('why the last try to reach or read it failed'),
    collectedAt: nullable(time('when its newest inventory was taken')),
    lastSeenAt: nullable(time('last time its agent answered')),
    distribution: text('Debian, Ubuntu, Fedora, …'),
    distributionVersion: text('for example 12.5'),
    outcome: nullable(CheckOutcome),
    failing: Type.Integer({ description: 'controls that it fails in the last check of each schedule and profile' }),
    tokens: Type.Integer(),
    keys: Type.Integer(),
    certificates: Type.Integer(),
    nextExpiry: nullable(time('end of the certificate that ends first')),
    readOnly: nullable(literals('read_only', 'writable', 'unproven')),
    pinState: text('the worst of its tokens: ok, count_low, final_try, locked, uninitialized or unknown'),
    sites: Type.Integer(),
    sitesServing: Type.Integer(),
    lastRun: text('id of the last run that named it'),
    lastStatus: nullable(RunStatus),
  },
  strict,
);
export type HostSummary = Static<typeof HostSummary>;

/** What GET /hosts takes. */
export const HostsQuery = Type.Object(
  {
    search: Type.Optional(Type.String({ maxLength: 200, description: 'part of the name, distribution or address; case does not matter' })),
    state: Type.Optional(HostState),
    outcome: Type.Optional(Type.Union([CheckOutcome, Type.Literal('unchecked')])),
    sort: Type.Optional(literals('host', 'state', 'outcome', 'failing', 'expiry', 'collected')),
    order: Type.Optional(literals('asc', 'desc')),
    ...paging,
  },
  strict,
);
export type HostsQuery = Static<typeof HostsQuery>;

/** GET /hosts */
export const HostList = page(HostSummary);
export type HostList = Static<typeof HostList>;

/** A PKCS#11 library on a host, with the proof whether it can change a token. */
export const HostModule = Type.Object(
  {
    path: Type.String(),
    realPath: text('where links lead'),
    sha256: text('of the file, hex'),
    manufacturer: Type.String(),
    description: Type.String(),
    version: Type.String(),
    cryptokiVersion: Type.String(),
    readOnly: literals('read_only', 'writable', 'unproven'),
    readOnlyReason: Type.String({ description: 'the evidence in one sentence' }),
    readOnlyAt: nullable(time('when it was proven')),
    tokens: Type.Integer(),
    error: text('why it could not be read'),
  },
  strict,
);

/** A token in a slot. */
export const HostToken = Type.Object(
  {
    module: Type.String({ description: 'path of the library through which it was seen' }),
    label: Type.String(),
    serial: Type.String({ description: 'empty with some modules' }),
    manufacturer: Type.String(),
    model: Type.String(),
    slotDescription: Type.String({ description: 'usually the reader' }),
    pinState: Type.String({ description: 'ok, count_low, final_try, locked, uninitialized or unknown' }),
    flags: Type.Array(Type.String({ description: 'CKF_ name without the prefix' })),
    identity: Type.String({ description: 'hash over label, serial number and public keys' }),
    keys: Type.Integer(),
    certificates: Type.Integer(),
  },
  strict,
);

/** A key, as its public half shows it. */
export const HostKey = Type.Object(
  {
    module: Type.String(),
    token: Type.String({ description: 'label of the token' }),
    id: Type.String({ description: 'CKA_ID, hex' }),
    label: Type.String(),
    class: Type.String({ description: 'public, private, pair, or certificate: only a certificate tells of it' }),
    type: Type.String({ description: 'rsa, ec, …' }),
    bits: nullable(Type.Integer()),
    curve: text('prime256v1, secp384r1, …'),
    fingerprint: text('SHA-256 of the SubjectPublicKeyInfo, hex'),
    sensitive: flag('null when it takes a login to know'),
    extractable: flag('null when it takes a login to know'),
  },
  strict,
);

/** A certificate on a token. */
export const HostCertificate = Type.Object(
  {
    host,
    token: Type.String({ description: 'label of the token' }),
    id: Type.String({ description: 'CKA_ID, hex' }),
    label: Type.String(),
    subject: Type.String(),
    issuer: Type.String(),
    serial: Type.String({ description: 'hex' }),
    notBefore: time('start of validity'),
    notAfter: time('end of validity'),
    daysLeft: Type.Integer({ description: 'whole days until then, negative when it is over' }),
    sha256: Type.String({ description: 'hex' }),
    keyFingerprint: Type.String({ description: 'joins keys and sites' }),
    matchesKey: flag('does it match the key with the same id; null when there is none'),
    sites: Type.Array(Type.String({ description: 'name:port of a site of the host that serves its key' })),
  },
  strict,
);
export type HostCertificate = Static<typeof HostCertificate>;

/** A module that an NSS database of the host loads. */
export const HostNssModule = Type.Object(
  {
    database: Type.String({ description: 'path' }),
    kind: Type.String({ description: 'sql or dbm' }),
    mode: Type.String(),
    owner: Type.String(),
    group: Type.String(),
    name: Type.String(),
    library: Type.String(),
    enabled: Type.Boolean(),
  },
  strict,
);

/** A TLS site. */
export const HostSite = Type.Object(
  {
    name: Type.String(),
    port: Type.Integer(),
    engine: Type.String({ description: 'mod_nss or mod_ssl' }),
    config: Type.String({ description: 'file that defines it' }),
    key: Type.String({ description: 'nickname or PKCS#11 URI, without a PIN' }),
    serving: flag('null when the server did not run'),
    servedFromToken: flag('the key it serves is one of a token of this host'),
    servedKeyFingerprint: text('SHA-256 of the SubjectPublicKeyInfo, hex'),
    servedCertificateSha256: text('hex'),
    error: text('why it does not serve, or could not be asked'),
  },
  strict,
);

/** A token held against the manifest of the one that was prepared. */
export const HostCustody = Type.Object(
  {
    token: Type.String({ description: 'label' }),
    verdict: Type.String({ description: 'proven, differs, unknown or elsewhere' }),
    preparedBy: text('who prepared it'),
    preparedAt: nullable(time('when')),
    differences: Type.Array(Type.String()),
    at: time('when it was looked at'),
    run: Type.String(),
  },
  strict,
);

/** A run as it went on one host. */
export const HostRun = Type.Object(
  {
    run: Type.String(),
    playbook: Type.String(),
    user: Type.String(),
    check: Type.Boolean({ description: 'a dry run' }),
    startedAt: time('start of the run'),
    finishedAt: nullable(time('its end; null while it goes on or when it was cut off')),
    status: RunStatus,
    error: text('what ended it on the host'),
    ok: Type.Integer(),
    changed: Type.Integer(),
    failed: Type.Integer({ description: 'failed or refused' }),
  },
  strict,
);

/** GET /hosts/:host */
export const HostDetail = Type.Object(
  {
    summary: HostSummary,
    fqdn: text('fully qualified name, as the host knows it'),
    address: text('of its default route'),
    architecture: text('x86_64, aarch64, …'),
    kernel: text('release'),
    apacheService: text('apache2 or httpd'),
    agent: text('version of the agent that answered last'),
    node: text('version of Node that ran it'),
    firstSeenAt: nullable(time('first mention in a run')),
    lastError: text('what ended the last run on it'),
    evidence: text('live, or passive: tokens were left alone, since reading them would disturb the site'),
    disturbed: flag('did reading disturb a serving site; null when nothing served'),
    modules: Type.Array(HostModule),
    tokens: Type.Array(HostToken),
    keys: Type.Array(HostKey),
    certificates: Type.Array(HostCertificate),
    nssModules: Type.Array(HostNssModule),
    sites: Type.Array(HostSite),
    custody: Type.Array(HostCustody, { description: 'the last look at each token' }),
    results: Type.Array(HostResult, { description: 'of the last check of each schedule and profile, the worst first' }),
    runs: Type.Array(HostRun, { description: 'the twenty newest' }),
  },
  strict,
);
export type HostDetail = Static<typeof HostDetail>;
