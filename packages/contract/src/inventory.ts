import { Type, type Static } from '@sinclair/typebox';
import { ErrorShape } from './error.ts';

const strict = { additionalProperties: false };
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

/**
 * Evidence for or against "read-only" (field notes 0a). `verdict` follows from the answers alone:
 * `read_only` when a read/write session was refused with CKR_TOKEN_WRITE_PROTECTED, or the token flag
 * WRITE_PROTECTED is set and key generation is not supported; `unproven` when no token was there to ask;
 * otherwise `writable`.
 */
export const ReadOnlyProof = Type.Object(
  {
    verdict: Type.Union([Type.Literal('read_only'), Type.Literal('writable'), Type.Literal('unproven')]),
    reason: Type.String({ description: 'one sentence for people' }),
    token: nullable(Type.String({ description: 'label of the token asked' })),
    flagWriteProtected: nullable(Type.Boolean()),
    openReadWriteSession: nullable(Type.String({ description: 'CKR_… name' })),
    generateKeyPair: nullable(Type.String({ description: 'CKR_… name, or "not tried"' })),
    at: Type.String({ description: 'ISO 8601' }),
  },
  strict,
);
export type ReadOnlyProof = Static<typeof ReadOnlyProof>;

/** State of a user PIN as the token's flags tell it, without a login. */
export const PinState = Type.Union([
  Type.Literal('ok'), Type.Literal('count_low'), Type.Literal('final_try'), Type.Literal('locked'),
  Type.Literal('uninitialized'), Type.Literal('unknown'),
]);
export type PinState = Static<typeof PinState>;

/** A key as its public half shows it. Private-key attributes are null when they need a login. */
export const KeyRow = Type.Object(
  {
    id: Type.String({ description: 'CKA_ID in lower-case hex' }),
    label: Type.String(),
    class: Type.Union([Type.Literal('public'), Type.Literal('private'), Type.Literal('pair'), Type.Literal('certificate')], {
      description: 'which objects were seen; certificate: only a certificate tells of the key',
    }),
    type: Type.String({ description: 'rsa, ec, or another CKK name in lower case' }),
    bits: nullable(Type.Integer({ description: 'from the modulus or the curve, never CKA_MODULUS_BITS' })),
    curve: nullable(Type.String({ description: 'prime256v1, secp384r1, …' })),
    fingerprint: nullable(Type.String({ description: 'SHA-256 of the DER SubjectPublicKeyInfo, hex' })),
    sensitive: nullable(Type.Boolean()),
    extractable: nullable(Type.Boolean()),
    alwaysSensitive: Type.Optional(nullable(Type.Boolean())),
    neverExtractable: Type.Optional(nullable(Type.Boolean({ description: 'also false for a key that was imported' }))),
  },
  strict,
);
export type KeyRow = Static<typeof KeyRow>;

export const CertificateRow = Type.Object(
  {
    id: Type.String(),
    label: Type.String(),
    subject: Type.String({ description: 'RFC 4514 order as OpenSSL prints with commas' }),
    issuer: Type.String(),
    serial: Type.String({ description: 'hex' }),
    notBefore: Type.String({ description: 'ISO 8601' }),
    notAfter: Type.String({ description: 'ISO 8601' }),
    sha256: Type.String({ description: 'of the DER certificate, hex' }),
    keyFingerprint: Type.String({ description: "SHA-256 of the certificate's SubjectPublicKeyInfo, hex" }),
    matchesKey: nullable(Type.Boolean({ description: 'against the key object with the same ID; null when there is none' })),
    der: Type.Optional(Type.String({ description: 'the DER certificate, base64; may be left out of reports' })),
  },
  strict,
);
export type CertificateRow = Static<typeof CertificateRow>;

export const TokenRow = Type.Object(
  {
    slotId: Type.Integer(),
    slotIndex: Type.Integer(),
    slotDescription: Type.String(),
    label: Type.String(),
    serial: Type.String(),
    manufacturer: Type.String(),
    model: Type.String(),
    flags: Type.Array(Type.String({ description: 'CKF_ names without the prefix' })),
    pinState: PinState,
    loginRequired: Type.Boolean(),
    identity: Type.String({ description: 'hex SHA-256 over label, serial and the sorted public-key fingerprints' }),
    keys: Type.Array(KeyRow),
    certificates: Type.Array(CertificateRow),
  },
  strict,
);
export type TokenRow = Static<typeof TokenRow>;

export const ModuleRow = Type.Object(
  {
    path: Type.String(),
    realPath: nullable(Type.String()),
    sha256: nullable(Type.String()),
    manufacturer: Type.String(),
    description: Type.String(),
    version: Type.String({ description: 'libraryVersion, major.minor' }),
    cryptokiVersion: Type.String(),
    readOnly: ReadOnlyProof,
    tokens: Type.Array(TokenRow),
    error: nullable(ErrorShape),
  },
  strict,
);
export type ModuleRow = Static<typeof ModuleRow>;

/** A module that NSS loads: registered in a database, or added to every NSS program by the system's policy. */
export const NssModuleRow = Type.Object(
  {
    name: Type.String(),
    library: Type.String(),
    enabled: Type.Boolean(),
    internal: Type.Optional(Type.Boolean({ description: "NSS's own software token" })),
    source: Type.Optional(Type.Union([Type.Literal('database'), Type.Literal('policy')], {
      description: 'policy: the system policy adds it, whatever the database says (field notes 2.7)',
    })),
    bypass: Type.Optional(Type.Boolean({ description: 'p11-kit-proxy or OpenSC: a writable way to the token beside the module' })),
  },
  strict,
);
export type NssModuleRow = Static<typeof NssModuleRow>;

/** Permissions of a file or directory, and what they mean for the web server. */
const permissions = {
  mode: Type.String({ description: 'octal, four digits' }),
  owner: Type.String(),
  group: Type.String(),
  serverReadable: nullable(Type.Boolean({
    description: "may the web server's user read it, as the system answers that user; null when it could not be asked",
  })),
};

/** A file of an NSS database. */
export const NssFileRow = Type.Object({ name: Type.String(), ...permissions }, strict);
export type NssFileRow = Static<typeof NssFileRow>;

export const NssDatabaseRow = Type.Object(
  {
    path: Type.String(),
    kind: Type.Union([Type.Literal('sql'), Type.Literal('dbm')]),
    mode: Type.String(),
    owner: Type.String(),
    group: Type.String(),
    modules: Type.Array(NssModuleRow),
    used: Type.Optional(Type.Boolean({ description: 'a site of the web server uses it' })),
    serverReadable: Type.Optional(permissions.serverReadable),
    files: Type.Optional(Type.Array(NssFileRow)),
  },
  strict,
);
export type NssDatabaseRow = Static<typeof NssDatabaseRow>;

/** What this host knows of a PIN from its own logins: a root-only ledger of keyed hashes, no login is made to learn it. */
export const PinProof = Type.Union([Type.Literal('proven'), Type.Literal('unproven'), Type.Literal('failed'), Type.Literal('unknown')], {
  description: 'proven: was right on this token; failed: the token called it wrong; unproven: never tried; unknown: the token was not read, or has no PIN in the file',
});
export type PinProof = Static<typeof PinProof>;

/**
 * A file that a site takes a PIN from. Holds no PIN and nothing made from one. Even the text before a colon is told only
 * when it is the label of a token known otherwise: a line written the wrong way round has the PIN there.
 */
export const PinFileRow = Type.Object(
  {
    path: Type.String(),
    format: Type.Union([Type.Literal('mod_nss'), Type.Literal('plain')], { description: 'how the server reads it: lines of `token:PIN`, or the bare PIN' }),
    sites: Type.Array(Type.String(), { description: 'names of the sites that use it' }),
    exists: Type.Boolean(),
    mode: nullable(permissions.mode),
    owner: nullable(permissions.owner),
    group: nullable(permissions.group),
    serverReadable: permissions.serverReadable,
    changedAt: nullable(Type.String({ description: 'ISO 8601' })),
    newerThanServer: nullable(Type.Boolean({ description: 'changed after the running server read it; null when none runs' })),
    syntax: Type.Union([Type.Literal('ok'), Type.Literal('bad'), Type.Literal('missing'), Type.Literal('unreadable')]),
    problems: Type.Array(Type.String({ description: 'for people, with line numbers' })),
    entries: Type.Array(
      Type.Object(
        {
          token: Type.String({ description: 'label' }),
          inUse: Type.Boolean({ description: 'a site uses the token, or mod_nss logs in to it because it is present' }),
          present: nullable(Type.Boolean({ description: 'null when tokens were not read' })),
          proof: PinProof,
        },
        strict,
      ),
    ),
    missing: Type.Array(Type.String({ description: 'label of a token in use without an entry' })),
    unknownEntries: Type.Integer({ description: 'entries whose name is the label of no token known; the names are withheld' }),
  },
  strict,
);
export type PinFileRow = Static<typeof PinFileRow>;

/** The web server as its configuration, its program and /proc show it. */
export const WebServerRow = Type.Object(
  {
    service: Type.String({ description: 'apache2 or httpd' }),
    installed: Type.Boolean(),
    running: Type.Boolean(),
    version: nullable(Type.String({ description: 'of the installed program, for example 2.4.62' })),
    startedAt: nullable(Type.String({ description: 'ISO 8601' })),
    configNewerThanServer: nullable(Type.Boolean({ description: 'a file of the configuration changed after the start; a reload may have taken it up' })),
    mpm: nullable(Type.String({ description: 'event, worker or prefork' })),
    processLimit: nullable(Type.Integer({ description: 'most serving processes that the configuration allows' })),
    processes: nullable(Type.Integer({ description: 'serving processes now' })),
    configuredUser: nullable(Type.String()),
    configuredGroup: nullable(Type.String()),
    runUser: nullable(Type.String({ description: 'of the serving processes; several are joined by commas' })),
    runGroup: nullable(Type.String()),
    modSsl: Type.Object({ loaded: Type.Boolean(), sites: Type.Integer({ description: 'sites with its engine on' }) }, strict),
    modNss: Type.Object(
      { loaded: Type.Boolean(), sites: Type.Integer(), version: nullable(Type.String()), tls13: nullable(Type.Boolean()) },
      strict,
    ),
  },
  strict,
);
export type WebServerRow = Static<typeof WebServerRow>;

/** The service that smart cards are reached through. */
export const CardServiceRow = Type.Object(
  {
    installed: Type.Boolean(),
    running: nullable(Type.Boolean({ description: 'a process is there; with socket activation it need not be' })),
    listening: nullable(Type.Boolean({ description: 'somebody listens on its socket' })),
    asksPolkit: nullable(Type.Boolean({ description: 'built to ask polkit who may use cards' })),
    user: nullable(Type.String({ description: "the web server's user" })),
    reachable: nullable(Type.Boolean({ description: 'may that user use it; null when that cannot be told without touching a card' })),
    how: Type.Union([Type.Literal('asked'), Type.Literal('permissions'), Type.Literal('not_told')], {
      description: 'asked: that user spoke to it; permissions: from the socket and the rules',
    }),
    reason: Type.String({ description: 'for people' }),
  },
  strict,
);
export type CardServiceRow = Static<typeof CardServiceRow>;

/** The agent's own state on the host. */
export const AgentRow = Type.Object(
  {
    version: nullable(Type.String()),
    node: Type.String(),
    stateDir: Type.String(),
    stateMode: nullable(Type.String()),
    stateOwner: nullable(Type.String()),
    stateBytes: nullable(Type.Integer({ description: 'null when there are too many files to count' })),
    staleLock: nullable(
      Type.Object({ run: Type.String(), user: Type.String(), since: Type.String() }, { ...strict, description: 'the lock of a run whose process is dead, found when this run began' }),
    ),
    lastRun: nullable(
      Type.Object(
        { run: Type.String(), startedAt: Type.String(), finishedAt: nullable(Type.String()), status: Type.String({ description: 'as of the journal; interrupted: its process died in the middle' }) },
        { ...strict, description: 'the one before this run' },
      ),
    ),
    pendingWebChange: nullable(Type.Object({ since: Type.String(), apply: Type.String(), paths: Type.Integer() }, strict)),
    readsTokensInWindowOnly: Type.Boolean({ description: 'reading a token stopped a site here before' }),
  },
  strict,
);
export type AgentRow = Static<typeof AgentRow>;

/** A certificate as the handshake showed it. */
export const ServedCertificate = Type.Object(
  {
    subject: Type.String(),
    issuer: Type.String(),
    notBefore: Type.String({ description: 'ISO 8601' }),
    notAfter: Type.String({ description: 'ISO 8601' }),
    namesSite: nullable(Type.Boolean({ description: 'is it for the server name; null for a site without a name' })),
  },
  strict,
);
export type ServedCertificate = Static<typeof ServedCertificate>;

export const SiteRow = Type.Object(
  {
    name: Type.String({ description: 'server name' }),
    port: Type.Integer(),
    engine: Type.Union([Type.Literal('mod_nss'), Type.Literal('mod_ssl')]),
    config: Type.String({ description: 'file that defines it' }),
    key: Type.String({ description: 'nickname or PKCS#11 URI (without PIN)' }),
    serving: nullable(Type.Boolean({ description: 'null when the server does not run' })),
    servedKeyFingerprint: nullable(Type.String()),
    servedCertificateSha256: nullable(Type.String()),
    servedFromToken: nullable(Type.Boolean({ description: 'the served public key is a key on one of the tokens found' })),
    error: nullable(ErrorShape),
    keySource: Type.Optional(Type.Union([Type.Literal('token'), Type.Literal('file'), Type.Literal('nss_internal')], {
      description: "where the configuration says that the key is; nss_internal: NSS's own software token",
    })),
    keyToken: Type.Optional(nullable(Type.String({ description: 'label of the token that the nickname or URI names' }))),
    keyResolves: Type.Optional(nullable(Type.Boolean({ description: 'does the nickname or URI name an object on a token; null when tokens were not read or it names none' }))),
    keyFingerprint: Type.Optional(nullable(Type.String({ description: 'SHA-256 of the public key that it resolves to, hex' }))),
    pinFile: Type.Optional(nullable(Type.String())),
    database: Type.Optional(nullable(Type.String({ description: 'directory of the NSS database' }))),
    configuredProtocols: Type.Optional(nullable(Type.String({ description: 'as written' }))),
    protocols: Type.Optional(nullable(Type.Array(Type.String(), { description: 'what the server makes of it: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; null when that is not known' }))),
    minProtocol: Type.Optional(nullable(Type.String({ description: 'the lowest of them' }))),
    acceptsOldProtocol: Type.Optional(nullable(Type.Boolean({ description: 'a real handshake with TLS 1.1 or older succeeded; null when the site does not serve' }))),
    configuredCiphers: Type.Optional(nullable(Type.String({ description: 'as written' }))),
    weakCiphers: Type.Optional(nullable(Type.Array(Type.String(), { description: 'ciphers switched on that are broken (no or weak encryption, no authentication, 3DES); null when that is not known' }))),
    plainKeyExchange: Type.Optional(nullable(Type.Array(Type.String(), { description: 'ciphers switched on without forward secrecy; null when that is not known' }))),
    unknownCiphers: Type.Optional(nullable(Type.Array(Type.String(), { description: 'names written that the server does not know and skips without a word; null when that is not known' }))),
    negotiatedProtocol: Type.Optional(nullable(Type.String())),
    negotiatedCipher: Type.Optional(nullable(Type.String())),
    servedKeyType: Type.Optional(nullable(Type.String())),
    servedKeyBits: Type.Optional(nullable(Type.Integer())),
    certificate: Type.Optional(nullable(ServedCertificate)),
  },
  strict,
);
export type SiteRow = Static<typeof SiteRow>;

/** Everything `inventory` found on one host. */
export const InventoryReport = Type.Object(
  {
    host: Type.String(),
    at: Type.String({ description: 'ISO 8601' }),
    modules: Type.Array(ModuleRow),
    nssDatabases: Type.Array(NssDatabaseRow),
    sites: Type.Array(SiteRow),
    pinFiles: Type.Optional(Type.Array(PinFileRow)),
    webServer: Type.Optional(nullable(WebServerRow)),
    cardService: Type.Optional(nullable(CardServiceRow)),
    agent: Type.Optional(nullable(AgentRow)),
    disturbed: nullable(Type.Boolean({ description: 'did reading disturb a serving site? null: nothing served before' })),
    evidence: Type.Union([Type.Literal('live'), Type.Literal('passive')], {
      description: 'passive: the token was not touched, because reading it is known to disturb the site',
    }),
    errors: Type.Array(ErrorShape),
  },
  strict,
);
export type InventoryReport = Static<typeof InventoryReport>;
