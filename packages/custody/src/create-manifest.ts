import { HsmfleetError, type ModuleRow, type PreparedToken, type TokenManifest, type TokenRow } from '@hsmfleet/contract';

/** What of a module a manifest states. */
export type StatedModule = Pick<ModuleRow, 'path' | 'sha256' | 'description' | 'version'>;
/** What of a token a manifest states. */
export type StatedToken = Pick<TokenRow, 'label' | 'serial' | 'manufacturer' | 'model' | 'identity' | 'keys' | 'certificates'>;

/** What the station knows besides the token. */
export interface Preparation {
  by: string;
  /** ISO 8601. */
  at: string;
  host: string;
  program: string;
  note?: string | undefined;
  /** DER SubjectPublicKeyInfos by fingerprint, for keys without a certificate. */
  spkis?: ReadonlyMap<string, Buffer>;
}

/**
 * The statement of what is on a token, from what its module shows. The same token and preparation give the same JSON.
 * @throws HsmfleetError MANIFEST_INVALID when there is nothing to vouch for, or a key that shows no public half
 */
export function createManifest(module: StatedModule, token: StatedToken, preparation: Preparation): TokenManifest {
  const keys = token.keys.filter((key) => key.class !== 'certificate').map((key) => {
    if (key.fingerprint === null) {
      throw new HsmfleetError('MANIFEST_INVALID', `key ${key.id} "${key.label}" on token "${token.label}" shows no public half: a manifest could not tell it from another`, {
        hint: 'load its certificate first, or delete what is left of it',
      });
    }
    const { id, label, type, bits, curve, fingerprint, sensitive, extractable } = key;
    return { id, label, type, bits, curve, fingerprint, spki: preparation.spkis?.get(fingerprint)?.toString('base64') ?? null, sensitive, extractable };
  });
  if (keys.length === 0) {
    throw new HsmfleetError('MANIFEST_INVALID', `token "${token.label}" shows no key to vouch for`, { hint: 'make key and certificate first: hsmfleet token keygen --help' });
  }
  const { by, at, host, program, note } = preparation;
  return {
    version: 1,
    token: {
      label: token.label, serial: token.serial, manufacturer: token.manufacturer, model: token.model, identity: token.identity,
      fingerprints: [...new Set(keys.map(({ fingerprint }) => fingerprint))].sort(),
    },
    keys,
    certificates: token.certificates.map(({ id, label, subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint, der }) => ({
      id, label, subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint, ...(der === undefined ? {} : { pem: toPem(der) }),
    })),
    prepared: { by, at, host, program, ...(note === undefined ? {} : { note }) },
    module: { path: module.path, sha256: module.sha256, description: module.description, version: module.version },
  };
}

/** What a host needs of a manifest. */
export function preparedToken(manifest: TokenManifest, sha256: string, file: string): PreparedToken {
  return {
    manifest: sha256, file, label: manifest.token.label, serial: manifest.token.serial,
    preparedBy: manifest.prepared.by, preparedAt: manifest.prepared.at,
    keys: manifest.keys.map(({ id, fingerprint }) => ({ id, fingerprint })),
    certificates: manifest.certificates.map(({ id, subject, sha256: certificate, keyFingerprint }) => ({ id, subject, sha256: certificate, keyFingerprint })),
  };
}

function toPem(der: string): string {
  return `-----BEGIN CERTIFICATE-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}
