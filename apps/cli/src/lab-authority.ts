import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { parseKeyId, parseKeyType } from '@hsmfleet/station';
import { spkiFingerprint, type Signer } from '@hsmfleet/x509';
import {
  createAuthority, encodePem, formatAlternativeName, issueCertificate, parseAlternativeNames, parseExtendedKeyUsage, parseKeyUsage, parseSubject,
  readCertificate, readCertificates, readRequest, signerFromKey, type CertificateParts,
} from '@hsmfleet/x509/issue';
import type { CertificateOptions, OutputOptions, ValidityOptions } from './certificate-options.ts';
import { certificateWish, formatFacts, required, validityWish } from './certificate-wish.ts';
import { readInput, writeOutput } from './output-file.ts';
import { withTokenSession, type PinOptions, type TokenOptions } from './token-options.ts';

/** Options of `token ca init`. */
export interface AuthorityOptions extends TokenOptions, PinOptions, ValidityOptions {
  subject: string;
  type: string;
  hash?: 'sha256' | 'sha384';
  /** CKA_ID of the authority's key on a token; a key in a file when absent. */
  id?: string;
}

/** Options of `token ca sign`. */
export interface IssueCommandOptions extends TokenOptions, PinOptions, ValidityOptions, OutputOptions, Omit<CertificateOptions, 'subject'> {
  ca?: string;
  id?: string;
}

const CERTIFICATE = 'ca.pem';
const KEY = 'ca.key';
const ISSUED = 'issued';

/**
 * `token ca init DIR`: an authority for laboratories. Its key lies in a file (0600), or on a token when --id is given.
 * @returns the exit code
 * @throws HsmfleetError USAGE when there is one already, NAME_INVALID, FILE_WRITE; what the token throws
 */
export async function makeAuthority(folder: string, options: AuthorityOptions): Promise<number> {
  const subject = parseSubject(options.subject);
  const validity = validityWish(options);
  const id = options.id === undefined ? undefined : parseKeyId(options.id);
  const key = id === undefined ? generateKey(options.type) : undefined;
  await makeFolder(folder);
  const create = (signer: Signer): Promise<Buffer> => createAuthority(subject, validity, signer, { hash: options.hash });
  const file = join(folder, CERTIFICATE);
  const made = await writeOutput(file, { force: false }, async () => {
    const der = key === undefined ? await withTokenSession(options, 'user', async (session) => create(await session.signer(id ?? ''))) : await create(signerFromKey(key));
    if (key !== undefined) await writeKey(join(folder, KEY), key);
    return { der, contents: encodePem('CERTIFICATE', der) };
  });
  const certificate = readCertificate(made.der);
  const facts = { subject: certificate.subject, notAfter: certificate.notAfter, keyFingerprint: certificate.keyFingerprint, certificate: file, key: key === undefined ? `token, ID ${id ?? ''}` : join(folder, KEY) };
  report(facts, options.json, process.stdout);
  if (options.json !== true) process.stderr.write('warning: this authority is for laboratories: whoever reads its key can issue certificates in its name\n');
  return 0;
}

/**
 * `token ca sign CSR`: issues a certificate for a TLS server and writes it with the authority's behind it.
 * @returns the exit code
 * @throws HsmfleetError CERTIFICATE_INVALID, KEY_MISMATCH, NAME_INVALID, USAGE, FILE_MISSING, FILE_WRITE; what the token throws
 */
export async function signRequestFile(file: string, options: IssueCommandOptions): Promise<number> {
  const folder = required(options.ca, '--ca', 'which authority is to sign');
  const wish = certificateWish(options);
  const request = readRequest(await readInput(file));
  const certificate = await readAuthority(join(folder, CERTIFICATE));
  const issueOptions = {
    ...validityWish(options), hash: wish.hash, isPss: wish.isPss,
    alternativeNames: wish.alternativeNames === undefined ? undefined : parseAlternativeNames(wish.alternativeNames),
    keyUsage: wish.keyUsage === undefined ? undefined : parseKeyUsage(wish.keyUsage),
    extendedKeyUsage: wish.extendedKeyUsage === undefined ? undefined : parseExtendedKeyUsage(wish.extendedKeyUsage),
  };
  const issue = async (signer: Signer): Promise<{ der: Buffer; contents: string | Buffer }> => {
    const der = await issueCertificate(request, { certificate, signer }, issueOptions);
    return { der, contents: options.der === true ? der : encodePem('CERTIFICATE', der) + encodePem('CERTIFICATE', certificate.der) };
  };
  const make = async (): ReturnType<typeof issue> => {
    if (options.id === undefined) return issue(signerFromKey(await readKey(join(folder, KEY))));
    const id = parseKeyId(options.id);
    return withTokenSession(options, 'user', async (session) => issue(await session.signer(id)));
  };
  const { der, contents } = options.out === undefined ? await make() : await writeOutput(options.out, { force: options.force === true }, make);
  const leaf = readCertificate(der);
  await keepIssued(folder, leaf);
  if (options.out === undefined && options.json !== true) process.stdout.write(contents);
  const names = (issueOptions.alternativeNames ?? request.alternativeNames).map(formatAlternativeName);
  const facts = {
    subject: leaf.subject, alternativeNames: names, issuer: leaf.issuer, serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter,
    sha256: leaf.sha256, keyFingerprint: spkiFingerprint(leaf.spki), ...(options.out === undefined ? {} : { file: options.out }), ...(options.json === true ? { der: der.toString('base64') } : {}),
  };
  report(facts, options.json, options.out === undefined ? process.stderr : process.stdout);
  if (names.length === 0) process.stderr.write('warning: without alternative names (--san) browsers and curl accept no server certificate, whatever its common name says\n');
  return 0;
}

function generateKey(type: string): KeyObject {
  const wanted = parseKeyType(type);
  return wanted.type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: wanted.bits }).privateKey : generateKeyPairSync('ec', { namedCurve: wanted.curve }).privateKey;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    // undefined when it was there: then its mode is its owner's business
    if (await mkdir(folder, { recursive: true, mode: 0o700 }) !== undefined) await chmod(folder, 0o700);
  } catch (thrown) {
    throw new HsmfleetError('FILE_WRITE', `cannot make the folder ${folder}: ${(thrown as Error).message}`, { cause: thrown });
  }
}

async function writeKey(file: string, key: KeyObject): Promise<void> {
  await writeOutput(file, { force: false, mode: 0o600 }, () => Promise.resolve({ contents: key.export({ type: 'pkcs8', format: 'pem' }) }));
}

async function readAuthority(file: string): Promise<CertificateParts> {
  const [certificate] = readCertificates(await readInput(file), file);
  if (certificate === undefined) throw new HsmfleetError('CERTIFICATE_INVALID', `${file} holds no certificate`);
  return certificate;
}

async function readKey(file: string): Promise<KeyObject> {
  const bytes = await readInput(file);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new HsmfleetError('USAGE', `the key ${file} can be read by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`, { hint: `chmod 600 ${file}` });
  try {
    return createPrivateKey(bytes);
  } catch (thrown) {
    throw new HsmfleetError('CERTIFICATE_INVALID', `${file} is no private key: ${(thrown as Error).message}`, { hint: 'for a key on a token give --id', cause: thrown });
  }
}

/** What an authority issued must be found again; a serial number comes only once. */
async function keepIssued(folder: string, leaf: CertificateParts): Promise<void> {
  const file = join(folder, ISSUED, `${leaf.serial}.pem`);
  try {
    await mkdir(join(folder, ISSUED), { recursive: true });
    await writeFile(file, encodePem('CERTIFICATE', leaf.der), { flag: 'wx' });
  } catch (thrown) {
    process.stderr.write(`warning: no copy could be kept in ${file}: ${(thrown as Error).message}\n`);
  }
}

function report(facts: Record<string, unknown>, asJson: true | undefined, stream: NodeJS.WriteStream): void {
  if (asJson === true) process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
  else stream.write(`${formatFacts(facts).join('\n')}\n`);
}
