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

export const NssDatabaseRow = Type.Object(
  {
    path: Type.String(),
    kind: Type.Union([Type.Literal('sql'), Type.Literal('dbm')]),
    mode: Type.String(),
    owner: Type.String(),
    group: Type.String(),
    modules: Type.Array(
      Type.Object({ name: Type.String(), library: Type.String(), enabled: Type.Boolean() }, strict),
    ),
  },
  strict,
);
export type NssDatabaseRow = Static<typeof NssDatabaseRow>;

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
    disturbed: nullable(Type.Boolean({ description: 'did reading disturb a serving site? null: nothing served before' })),
    evidence: Type.Union([Type.Literal('live'), Type.Literal('passive')], {
      description: 'passive: the token was not touched, because reading it is known to disturb the site',
    }),
    errors: Type.Array(ErrorShape),
  },
  strict,
);
export type InventoryReport = Static<typeof InventoryReport>;
