import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false };
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** A key pair as the manifest of its token states it. */
export const ManifestKey = Type.Object(
  {
    id: Type.String({ description: 'CKA_ID in lower-case hex' }),
    label: Type.String(),
    type: Type.String({ description: 'rsa, ec, …' }),
    bits: nullable(Type.Integer()),
    curve: nullable(Type.String()),
    fingerprint: Sha256,
    spki: nullable(Type.String({ description: 'DER SubjectPublicKeyInfo, base64; null when the station did not see it' })),
    sensitive: nullable(Type.Boolean({ description: 'CKA_SENSITIVE; null when it was not readable (no login)' })),
    extractable: nullable(Type.Boolean({ description: 'CKA_EXTRACTABLE; null when it was not readable (no login)' })),
  },
  strict,
);
export type ManifestKey = Static<typeof ManifestKey>;

/** A certificate on the token. */
export const ManifestCertificate = Type.Object(
  {
    id: Type.String({ description: 'CKA_ID in lower-case hex' }),
    label: Type.String(),
    subject: Type.String(),
    issuer: Type.String(),
    serial: Type.String({ description: 'hex' }),
    notBefore: Type.String({ description: 'ISO 8601' }),
    notAfter: Type.String({ description: 'ISO 8601' }),
    sha256: Sha256,
    keyFingerprint: Sha256,
    pem: Type.Optional(Type.String()),
  },
  strict,
);
export type ManifestCertificate = Static<typeof ManifestCertificate>;

/** What was prepared on the station: the statement that travels with the device, signed, in a {@link ManifestEnvelope}. */
export const TokenManifest = Type.Object(
  {
    version: Type.Literal(1),
    token: Type.Object(
      {
        label: Type.String(),
        serial: Type.String(),
        manufacturer: Type.String(),
        model: Type.String(),
        identity: Type.String({ description: "as in inventories: hex SHA-256 over label, serial and public-key fingerprints, through the station's module" }),
        fingerprints: Type.Array(Sha256, { description: 'the set of public keys, sorted: names the device where a module gives no serial' }),
      },
      strict,
    ),
    keys: Type.Array(ManifestKey),
    certificates: Type.Array(ManifestCertificate),
    prepared: Type.Object(
      {
        by: Type.String({ description: 'who ran the station' }),
        at: Type.String({ description: 'ISO 8601' }),
        host: Type.String({ description: 'host name of the station' }),
        program: Type.String({ description: 'program and version' }),
        note: Type.Optional(Type.String({ description: 'in the words of who prepared it' })),
      },
      strict,
    ),
    module: Type.Object(
      {
        path: Type.String(),
        sha256: nullable(Sha256),
        description: Type.String(),
        version: Type.String({ description: 'libraryVersion, major.minor' }),
      },
      { ...strict, description: 'PKCS#11 library that the station used' },
    ),
  },
  strict,
);
export type TokenManifest = Static<typeof TokenManifest>;

/** `payloadType` of a manifest's envelope. */
export const MANIFEST_PAYLOAD_TYPE = 'application/vnd.hsmfleet.token-manifest+json';

/**
 * A signed manifest: an envelope of DSSE 1.0 (Dead Simple Signing Envelope, as in-toto and sigstore use it). Signatures
 * are over the bytes of the payload, so no two programs need to agree how JSON is written.
 */
export const ManifestEnvelope = Type.Object(
  {
    payloadType: Type.Literal(MANIFEST_PAYLOAD_TYPE),
    payload: Type.String({ description: 'the JSON of a TokenManifest, base64' }),
    signatures: Type.Array(
      Type.Object(
        {
          keyid: Type.String({ description: "hex SHA-256 of the signing key's SubjectPublicKeyInfo" }),
          sig: Type.String({ description: 'base64: Ed25519 of the operator; of a key of the token ECDSA (DER) or RSA PKCS#1 v1.5, with SHA-256' }),
        },
        strict,
      ),
      { minItems: 1 },
    ),
  },
  strict,
);
export type ManifestEnvelope = Static<typeof ManifestEnvelope>;

/** What a host needs of a manifest, which was verified before, to know the token again. */
export const PreparedToken = Type.Object(
  {
    manifest: Type.String({ description: 'hex SHA-256 of the payload: names the statement' }),
    file: Type.String({ description: 'where the control host read it, for messages' }),
    label: Type.String(),
    serial: Type.String({ description: 'empty where the station\'s module gave none' }),
    preparedBy: Type.String(),
    preparedAt: Type.String(),
    keys: Type.Array(Type.Object({ id: Type.String(), fingerprint: Sha256 }, strict)),
    certificates: Type.Array(Type.Object({ id: Type.String(), subject: Type.String(), sha256: Sha256, keyFingerprint: Sha256 }, strict)),
  },
  strict,
);
export type PreparedToken = Static<typeof PreparedToken>;

/**
 * Whether the token that a host has is one that was prepared. `proven`: it is; `differs`: it seems to be one, and something
 * on it is not as it was; `unknown`: no manifest tells of it; `elsewhere`: another host of the run has it as well.
 */
export const CustodyProof = Type.Object(
  {
    at: Type.String({ description: 'ISO 8601' }),
    module: Type.String({ description: 'path of the PKCS#11 library on the host' }),
    token: Type.String({ description: 'label that the host sees' }),
    serial: Type.String(),
    identity: Type.String({ description: 'as in the inventory' }),
    verdict: Type.Union([Type.Literal('proven'), Type.Literal('differs'), Type.Literal('unknown'), Type.Literal('elsewhere')]),
    manifest: nullable(Sha256),
    file: nullable(Type.String()),
    preparedBy: nullable(Type.String()),
    preparedAt: nullable(Type.String()),
    differences: Type.Array(Type.String(), { description: 'one line each, for people' }),
    notes: Type.Array(Type.String({ description: 'what could not be compared, or differs without meaning anything' })),
  },
  strict,
);
export type CustodyProof = Static<typeof CustodyProof>;
