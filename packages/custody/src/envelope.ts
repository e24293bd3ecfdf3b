import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { Ajv, type ValidateFunction } from 'ajv';
import { HsmfleetError, MANIFEST_PAYLOAD_TYPE, ManifestEnvelope, TokenManifest } from '@hsmfleet/contract';
import { shortHash } from './prove-token.ts';

/** Something that signs a manifest: the operator's key, or a key of the token itself. */
export interface ManifestSigner {
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo. */
  keyId: string;
  /** Ed25519, or for keys of a token ECDSA (DER) or RSA PKCS#1 v1.5 with SHA-256. */
  sign(bytes: Buffer): Promise<Buffer>;
}

/** A manifest whose signature was verified. */
export interface OpenedManifest {
  manifest: TokenManifest;
  /** Hex SHA-256 of the payload. */
  sha256: string;
  /** Ids of the trusted keys that signed it. */
  signedBy: string[];
  /** Fingerprints of keys of the token that signed it: they were on the token when it was made. */
  possession: string[];
}

/** A new key pair of an operator, PEM (PKCS#8 and SubjectPublicKeyInfo). */
export function createOperatorKey(): { privateKey: string; publicKey: string; keyId: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    keyId: keyIdOf(publicKey),
  };
}

/**
 * The operator as a signer.
 * @param pem PKCS#8
 * @throws HsmfleetError MANIFEST_INVALID when it holds no Ed25519 key
 */
export function operatorSigner(pem: string, file: string): ManifestSigner {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // said below, without OpenSSL's words, which may quote the file
  }
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new HsmfleetError('MANIFEST_INVALID', `${file} holds no private Ed25519 key`, { hint: 'make one: hsmfleet token manifest key FILE' });
  }
  const signing = key;
  return { keyId: keyIdOf(createPublicKey(signing)), sign: (bytes) => Promise.resolve(sign(null, bytes, signing)) };
}

/**
 * Public keys that are trusted to sign manifests: every PEM block of a file.
 * @throws HsmfleetError MANIFEST_INVALID
 */
export function readTrustedKeys(text: string, file: string): KeyObject[] {
  const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
  const wrong = (what: string): HsmfleetError =>
    new HsmfleetError('MANIFEST_INVALID', `${file} ${what}`, { hint: 'give the public key that `hsmfleet token manifest key` wrote (FILE.pub)' });
  if (blocks.length === 0) throw wrong('holds no public key in PEM');
  return blocks.map((block) => {
    if (block.includes('PRIVATE KEY')) throw wrong('holds a private key, which has no business here');
    let key: KeyObject | undefined;
    try {
      key = createPublicKey(block);
    } catch {
      // said below
    }
    if (key?.asymmetricKeyType !== 'ed25519') throw wrong(`holds a key that is no public Ed25519 key${key === undefined ? '' : ` (${String(key.asymmetricKeyType)})`}`);
    return key;
  });
}

/** Signs a manifest; the text of the file that travels with the device. */
export async function sealManifest(manifest: TokenManifest, signers: readonly ManifestSigner[]): Promise<string> {
  const payload = Buffer.from(JSON.stringify(manifest), 'utf8');
  const toSign = preAuthEncoding(payload);
  const signatures: ManifestEnvelope['signatures'] = [];
  for (const signer of signers) signatures.push({ keyid: signer.keyId, sig: (await signer.sign(toSign)).toString('base64') });
  const envelope: ManifestEnvelope = { payloadType: MANIFEST_PAYLOAD_TYPE, payload: payload.toString('base64'), signatures };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/**
 * Opens a signed manifest and verifies it: at least one trusted key has to have signed it, and whatever a trusted key or a
 * key of the token signed has to be right. Signatures of other keys mean nothing.
 * @param file where the text comes from, for messages
 * @param trusted keys; undefined: the signature is not looked at (to show a manifest)
 * @throws HsmfleetError MANIFEST_INVALID
 */
export function openManifest(text: string, file: string, trusted: readonly KeyObject[] | undefined): OpenedManifest {
  const envelope = parse(text, file, 'a signed manifest', envelopeValidator());
  const payload = Buffer.from(envelope.payload, 'base64');
  const manifest = parse(payload.toString('utf8'), `${file}, payload`, 'a manifest', manifestValidator());
  const opened = { manifest, sha256: createHash('sha256').update(payload).digest('hex'), signedBy: [] as string[], possession: [] as string[] };
  if (trusted === undefined) return opened;
  const signed = preAuthEncoding(payload);
  const operators = new Map(trusted.map((key) => [keyIdOf(key), key]));
  const keys = tokenKeys(manifest);
  for (const { keyid, sig } of envelope.signatures) {
    const operator = operators.get(keyid);
    const own = keys.get(keyid);
    const key = operator ?? own;
    if (key === undefined) continue;
    if (!isRight(signed, key, Buffer.from(sig, 'base64'))) {
      throw new HsmfleetError('MANIFEST_INVALID', `${file} was changed after it was signed: the signature of ${operator === undefined ? 'the token\'s own key' : 'the trusted key'} ${shortHash(keyid)} does not fit`, {
        hint: 'do not use the device before you know why; ask for the manifest again, on another way',
      });
    }
    (operator === undefined ? opened.possession : opened.signedBy).push(keyid);
  }
  if (opened.signedBy.length === 0) {
    const by = envelope.signatures.filter(({ keyid }) => !keys.has(keyid)).map(({ keyid }) => shortHash(keyid)).join(', ') || 'no operator';
    throw new HsmfleetError('MANIFEST_INVALID', `${file} is not signed by a trusted key (signed by ${by}; trusted: ${[...operators.keys()].map(shortHash).join(', ') || 'none'})`, {
      hint: 'give the public key of who prepared the token with --manifest-key, if you trust it',
    });
  }
  return opened;
}

/** Hex SHA-256 of a public key's DER SubjectPublicKeyInfo. */
export function keyIdOf(key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex');
}

/** DSSE's pre-authentication encoding: binds the type to the bytes, so that no signature can be taken for one of something else. */
export function preAuthEncoding(payload: Buffer, type: string = MANIFEST_PAYLOAD_TYPE): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${String(Buffer.byteLength(type))} ${type} ${String(payload.length)} `, 'utf8'), payload]);
}

/** Public keys of the token by fingerprint: those whose bytes hash to what the manifest calls them. */
function tokenKeys(manifest: TokenManifest): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const { fingerprint, spki } of manifest.keys) {
    if (spki === null) continue;
    try {
      const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
      if (keyIdOf(key) === fingerprint) keys.set(fingerprint, key);
    } catch {
      // a curve that OpenSSL does not know: its signature means nothing
    }
  }
  return keys;
}

function isRight(bytes: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key, signature);
  } catch {
    return false;
  }
}

function parse<T>(text: string, file: string, what: string, validate: ValidateFunction<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HsmfleetError('MANIFEST_INVALID', `${file} is not ${what}: it is no JSON`, { hint: 'give a file that `hsmfleet token manifest create` wrote', cause });
  }
  if (validate(value)) return value;
  const error = validate.errors?.at(-1);
  const where = error?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
  throw new HsmfleetError('MANIFEST_INVALID', `${file} is not ${what}: ${where === '' ? '' : `${where} `}${error?.message ?? 'is not valid'}`, {
    hint: 'give a file that `hsmfleet token manifest create` wrote, with this version of hsmfleet or an older one',
  });
}

let envelopes: ValidateFunction<ManifestEnvelope> | undefined;
function envelopeValidator(): ValidateFunction<ManifestEnvelope> {
  return (envelopes ??= new Ajv({ allErrors: false }).compile<ManifestEnvelope>(ManifestEnvelope));
}

let manifests: ValidateFunction<TokenManifest> | undefined;
function manifestValidator(): ValidateFunction<TokenManifest> {
  return (manifests ??= new Ajv({ allErrors: false }).compile<TokenManifest>(TokenManifest));
}
