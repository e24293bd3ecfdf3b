import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import {
  createManifest, createOperatorKey, describeManifest, openManifest, operatorSigner, preparedToken, proveToken, sealManifest, shortHash,
  type ManifestSigner, type StatedModule, type StatedToken,
} from '@hsmfleet/custody';
import { statedToken, type TokenSession } from '@hsmfleet/station';
import { spkiFingerprint } from '@hsmfleet/x509';
import { loadTrustedKeys, readText } from './load-custody.ts';
import { writeOutput } from './output-file.ts';
import { runUser } from './run-identity.ts';
import type { PinOptions, TokenOptions } from './token-options.ts';
import { VERSION } from './version.ts';

/** A token as the station sees it. */
export interface SeenToken {
  module: StatedModule;
  token: StatedToken;
}

/**
 * `token manifest key`: a new key pair of an operator, FILE (0600) and FILE.pub.
 * @throws HsmfleetError USAGE when one of them exists already, FILE_WRITE
 */
export async function makeOperatorKey(file: string): Promise<string> {
  const key = createOperatorKey();
  await mkdir(dirname(file), { recursive: true });
  for (const [path, text, mode] of [[file, key.privateKey, 0o600], [`${file}.pub`, key.publicKey, 0o644]] as const) {
    // never over another key: what it signed could not be verified any more
    await writeOutput(path, { force: false, mode, existsHint: 'give another name: a key is never overwritten' }, () => Promise.resolve({ contents: text }));
  }
  return `private key   ${file}\npublic key    ${file}.pub (give this one to --manifest-key)\nkey id        ${key.keyId}\n`;
}

/** A key of the token that signs its own manifest. */
export interface TokenKeySigner extends ManifestSigner {
  /** DER SubjectPublicKeyInfo. */
  spki: Buffer;
}

/** What is said of a manifest: for people, and for --json. */
export interface Said {
  text: string;
  json: unknown;
}

/**
 * `token manifest create`: looks at the token that the options name, and writes its manifest.
 * @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING, USAGE; what opening a session throws
 */
export async function createTokenManifest(
  file: string, keyFile: string, options: TokenOptions & PinOptions & { note?: string; force?: true },
): Promise<Said> {
  const operator = await readOperator(keyFile);
  const { withTokenSession } = await import('./token-options.ts');
  // looked at before the login: another look beside a session may take a card's login from it
  const module = await stateModule(options);
  return withTokenSession(options, 'if given', async (session) => {
    const seen = await lookAt(module, session);
    const signers = session.loggedIn ? await signersOf(session, seen) : [];
    return writeManifest(file, seen, operator, { note: options.note, force: options.force === true, signers });
  });
}

/**
 * `token manifest verify`: the signature, and the token when the options name a module or a token.
 * @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING, CUSTODY; what opening a session throws
 */
export async function verifyTokenManifest(file: string, keys: readonly string[], options: TokenOptions): Promise<Said> {
  const signature = await verifyManifest(file, keys, undefined);
  if ([options.module, options.token, options.serial, options.slot].every((value) => value === undefined)) return signature;
  const { withTokenSession } = await import('./token-options.ts');
  const module = await stateModule(options);
  return withTokenSession(options, 'none', async (session) => verifyManifest(file, keys, await lookAt(module, session)));
}

async function stateModule(options: TokenOptions): Promise<StatedModule> {
  const { moduleOf, openStation } = await import('./token-options.ts');
  const target = moduleOf(options);
  const { description, version } = await (await openStation()).list(target);
  return { path: target.path, sha256: createHash('sha256').update(await readFile(target.path)).digest('hex'), description, version };
}

async function lookAt(module: StatedModule, session: TokenSession): Promise<SeenToken> {
  const { tokenIdentity } = await import('@hsmfleet/pkcs11');
  return { module, token: statedToken(session.token, await session.objects(), tokenIdentity) };
}

/** Every key that may sign. One that is for other things proves nothing, and is no mistake. */
async function signersOf(session: TokenSession, { token }: SeenToken): Promise<TokenKeySigner[]> {
  const signing = (await session.objects({ class: 'private' })).filter(({ usage }) => usage.includes('sign')).map(({ id }) => id);
  const signers: TokenKeySigner[] = [];
  for (const { id, type, fingerprint } of token.keys.filter((key) => signing.includes(key.id))) {
    const signer = await session.signer(id);
    if (spkiFingerprint(signer.spki) !== fingerprint) continue;
    const algorithm = type === 'ec' ? 'ecdsa-sha256' : 'rsa-pkcs1-sha256';
    signers.push({ keyId: fingerprint, spki: signer.spki, sign: (bytes) => signer.sign(algorithm, bytes) });
  }
  return signers;
}

/**
 * Writes the manifest of a token, signed by the operator and by keys of the token.
 * @param options.signers keys of the token, when there was a login
 * @throws HsmfleetError MANIFEST_INVALID, FILE_WRITE, USAGE
 */
export async function writeManifest(
  file: string, seen: SeenToken, operator: ManifestSigner, options: { note?: string | undefined; force: boolean; signers: readonly TokenKeySigner[] },
): Promise<Said> {
  const manifest = createManifest(seen.module, seen.token, {
    by: runUser(), at: new Date().toISOString(), host: hostname(), program: `hsmfleet ${VERSION}`, note: options.note,
    spkis: new Map(options.signers.map(({ keyId, spki }) => [keyId, spki])),
  });
  const sealed = await sealManifest(manifest, [operator, ...options.signers]);
  await mkdir(dirname(file), { recursive: true });
  const existsHint = 'write over it with --force: hosts are then held against the new one';
  await writeOutput(file, { force: options.force, existsHint }, () => Promise.resolve({ contents: sealed }));
  const text = `${file}\n${describeManifest(manifest).join('\n')}\nsigned       by the operator${options.signers.length === 0 ? ' alone (with a PIN the keys of the token sign as well)' : ` and by its keys ${options.signers.map(({ keyId }) => manifest.keys.find(({ fingerprint }) => fingerprint === keyId)?.id ?? '').join(', ')}`}\n`;
  return { text, json: { file, ...manifest } };
}

/** A manifest file opened, for people and for --json. @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING */
export async function showManifest(file: string): Promise<Said> {
  const { manifest, sha256 } = openManifest(await readText(file), file, undefined);
  return { text: `${describeManifest(manifest).join('\n')}\nmanifest     ${sha256}\n`, json: { sha256, ...manifest } };
}

/**
 * `token manifest verify`: the signature, and (when a token is given) every field against the token.
 * @throws HsmfleetError MANIFEST_INVALID for the signature, CUSTODY for what differs on the token
 */
export async function verifyManifest(file: string, keys: readonly string[], seen: SeenToken | undefined): Promise<Said> {
  const { manifest, sha256, signedBy, possession } = openManifest(await readText(file), file, await loadTrustedKeys(keys));
  const missing = manifest.keys.filter(({ fingerprint }) => !possession.includes(fingerprint)).map(({ id }) => id);
  const lines = [
    `signed by ${signedBy.map(shortHash).join(', ')} (trusted), prepared by ${manifest.prepared.by} at ${manifest.prepared.at}`,
    missing.length === 0 ? 'every key of the token signed it as well' : `possession was not shown of key ${missing.join(', ')}`,
  ];
  if (seen === undefined) return { text: `${lines.join('\n')}\n`, json: { file, sha256, signedBy, possession, token: null } };
  const proof = proveToken([preparedToken(manifest, sha256, file)], seen.module.path, seen.token, new Date().toISOString());
  if (proof.verdict !== 'proven') {
    throw new HsmfleetError('CUSTODY', `token "${seen.token.label}" is not the one of ${file}: ${proof.differences.join('; ')}`, {
      hint: 'if it was changed on purpose, make a new manifest', details: { verdict: proof.verdict, differences: proof.differences },
    });
  }
  return { text: `${[...lines, `token "${seen.token.label}" is the one, with every key and certificate`, ...proof.notes.map((note) => `note: ${note}`)].join('\n')}\n`, json: { file, sha256, signedBy, possession, token: proof } };
}

/** The operator's key. @throws HsmfleetError FILE_MISSING, USAGE when others can read it, MANIFEST_INVALID */
export async function readOperator(file: string): Promise<ManifestSigner> {
  const text = await readText(file);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    throw new HsmfleetError('USAGE', `the key ${file} can be read by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`, { hint: `chmod 600 ${file}` });
  }
  return operatorSigner(text, file);
}
