import { HsmfleetError } from '@hsmfleet/contract';
import { parseKeyId, parseKeyType } from '@hsmfleet/station';
import { loadCertificates, requestCertificate, requestRenewal, selfSign, type LoadedCertificate, type LoadResult, type Signed } from '@hsmfleet/station/certificates';
import { spkiFingerprint } from '@hsmfleet/x509';
import { encodePem, formatAlternativeName, formatName, readCertificate, readCertificates, readRequest, type PemLabel } from '@hsmfleet/x509/issue';
import type { CertificateOptions, OutputOptions, ValidityOptions } from './certificate-options.ts';
import { certificateWish, formatFacts, required, validityWish } from './certificate-wish.ts';
import { readInput, writeOutput } from './output-file.ts';
import { withTokenSession, type PinOptions, type TokenOptions } from './token-options.ts';

interface TokenCommandOptions extends TokenOptions, PinOptions {
  id?: string;
}

/** Options of `token csr`. */
export interface RequestOptions extends TokenCommandOptions, CertificateOptions, OutputOptions {}

/** Options of `token cert`. */
export interface SelfSignedOptions extends RequestOptions, ValidityOptions {
  selfSigned?: true;
  load?: true;
  replace?: true;
}

/** Options of `token load-cert`. */
export interface LoadCertificateOptions extends TokenCommandOptions {
  replace?: true;
  withRoot?: true;
}

/** Options of `token renew`. */
export interface RenewOptions extends RequestOptions {
  /** `true` when given without a type. */
  newKey?: string | true;
  newId?: string;
  newLabel?: string;
}

/** `token csr`: a signing request, signed inside the token. @returns the exit code */
export async function makeRequest(options: RequestOptions): Promise<number> {
  const id = keyIdOf(options);
  const wish = certificateWish(options);
  required(wish.subject, '--subject "/O=Example/CN=www.example.org"', 'whom is the certificate for');
  const made = await emit(options, 'CERTIFICATE REQUEST', () => withTokenSession(options, 'user', (session) => requestCertificate(session, id, wish)));
  report(options, made, describeRequest(made));
  return 0;
}

/** `token cert --self-signed`: a certificate that its own key signs; with --load it goes to the token at once. */
export async function makeSelfSigned(options: SelfSignedOptions): Promise<number> {
  if (options.selfSigned !== true) throw new HsmfleetError('USAGE', 'who is to sign the certificate?', { hint: 'give --self-signed; for one that an authority signs, begin with `hsmfleet token csr`' });
  const id = keyIdOf(options);
  const wish = { ...certificateWish(options), ...validityWish(options) };
  required(wish.subject, '--subject "/O=Example/CN=www.example.org"', 'whom is the certificate for');
  let loaded: LoadResult | undefined;
  const made = await emit(options, 'CERTIFICATE', () => withTokenSession(options, 'user', async (session) => {
    const signed = await selfSign(session, id, wish);
    if (options.load === true) {
      loaded = await loadCertificates(session, { bytes: signed.der, file: 'the new certificate', id, replace: options.replace === true, withRoot: false });
    }
    return signed;
  }));
  const { subject, notBefore, notAfter, sha256, keyFingerprint } = readCertificate(made.der);
  const facts = { subject, alternativeNames: made.identity.alternativeNames.map(formatAlternativeName), id, notBefore, notAfter, sha256, keyFingerprint };
  report(options, made, options.json === true ? { ...facts, loaded: loaded ?? null } : facts, loaded === undefined ? [] : describeLoad(loaded));
  return 0;
}

/** `token load-cert FILE`: writes a certificate beside its key. */
export async function loadCertificateFile(file: string, options: LoadCertificateOptions): Promise<number> {
  const id = keyIdOf(options);
  const bytes = await readInput(file);
  // before any PIN is asked for
  readCertificates(bytes, file);
  const loaded = await withTokenSession(options, 'user', (session) =>
    loadCertificates(session, { bytes, file, id, replace: options.replace === true, withRoot: options.withRoot === true }));
  if (options.json === true) printJson({ ...loaded });
  else {
    print(describeLoad(loaded));
    warn(loaded.warnings);
  }
  return 0;
}

/** `token renew`: a request for the certificate that is to follow, with the same key or a new one beside it. */
export async function renewCertificate(options: RenewOptions): Promise<number> {
  const id = keyIdOf(options);
  const wish = { ...certificateWish(options), newKey: newKeyOf(options) };
  const renewal = await emit(options, 'CERTIFICATE REQUEST', () => withTokenSession(options, 'user', (session) => requestRenewal(session, id, wish)));
  const { madeKey, key } = renewal;
  const replace = madeKey === null ? ' --replace' : '';
  report(options, { ...renewal, warnings: [...renewal.warnings, ...madeKey?.warnings ?? []] }, { ...describeRequest(renewal), renews: id }, [
    ...(madeKey === null ? [] : [`made key ${key.id} "${key.label}" in ${madeKey.seconds.toFixed(1)} s; the old one stays until \`hsmfleet token delete --id ${id}\``]),
    `next: have the request signed, then \`hsmfleet token load-cert FILE --id ${key.id}${replace}\`, then \`hsmfleet apply\`${madeKey === null ? '' : ` with "${key.label}" as the certificate of the site`}`,
  ]);
  return 0;
}

function newKeyOf({ newKey, newId, newLabel }: RenewOptions): Parameters<typeof requestRenewal>[2]['newKey'] {
  if (newKey === undefined) {
    if (newId !== undefined || newLabel !== undefined) throw new HsmfleetError('USAGE', '--new-id and --new-label are for a new key', { hint: 'add --new-key' });
    return undefined;
  }
  return {
    id: parseKeyId(required(newId, '--new-id', 'under which ID is the new key to be')),
    label: newLabel,
    type: newKey === true ? undefined : parseKeyType(newKey),
    onProgress: (seconds) => { process.stderr.write(`the token makes the key: ${Math.round(seconds)} s\n`); },
  };
}

function keyIdOf({ id }: TokenCommandOptions): string {
  return parseKeyId(required(id, '--id', 'which key of the token'));
}

/** Makes something and writes it where the options say; standard output for people who name no file. */
async function emit<T extends Signed>(options: OutputOptions & { json?: true }, label: PemLabel, make: () => Promise<T>): Promise<T> {
  const contentsOf = (made: T): string | Buffer => (options.der === true ? made.der : encodePem(label, made.der));
  if (options.out !== undefined) {
    return writeOutput(options.out, { force: options.force === true }, async () => {
      const made = await make();
      return { ...made, contents: contentsOf(made) };
    });
  }
  const made = await make();
  if (options.json !== true) process.stdout.write(contentsOf(made));
  return made;
}

/** Facts go to standard error when standard output holds the result itself. */
function report(options: OutputOptions & { json?: true }, made: Signed, facts: Record<string, unknown>, lines: readonly string[] = []): void {
  if (options.json === true) {
    printJson({ ...facts, file: options.out ?? null, der: made.der.toString('base64'), warnings: made.warnings });
    return;
  }
  const text = [
    ...formatFacts(options.out === undefined ? facts : { ...facts, 'written to': options.out }),
    ...lines,
  ];
  if (options.out === undefined) process.stderr.write(`${text.join('\n')}\n`);
  else print(text);
  warn(made.warnings);
}

function describeRequest({ der, key, identity }: Signed): Record<string, unknown> {
  const request = readRequest(der);
  return {
    subject: formatName(request.subject), alternativeNames: identity.alternativeNames.map(formatAlternativeName),
    id: key.id, label: key.label, keyFingerprint: spkiFingerprint(request.spki),
  };
}

function describeLoad({ leaf, issuers, replaced }: LoadResult): string[] {
  const line = ({ outcome, id, label, subject, notAfter }: LoadedCertificate): string => `${outcome.padEnd(14)} ${id}  "${label}"  ${subject}  valid until ${notAfter}`;
  return [line(leaf), ...issuers.map(line), ...replaced.map((subject) => `${'replaced'.padEnd(14)} ${leaf.id}  ${subject}`)];
}

function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
