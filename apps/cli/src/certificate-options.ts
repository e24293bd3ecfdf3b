import { HsmfleetError } from '@hsmfleet/contract';
import type { OptionSpec } from './command.ts';

/** Whom a certificate is for, and how it is signed. */
export interface CertificateOptions {
  subject?: string;
  san?: string[];
  keyUsage?: string;
  extendedKeyUsage?: string;
  hash?: 'sha256' | 'sha384';
  pss?: true;
}

/** From when and for how long a certificate is valid. */
export interface ValidityOptions {
  days: string;
  notBefore?: string;
}

/** Where the result goes. */
export interface OutputOptions {
  out?: string;
  der?: true;
  force?: true;
}

export const SUBJECT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--subject <name>', description: 'as OpenSSL writes it, "/C=DE/O=Example/CN=www.example.org" (\\/ for a slash in a value), or as RFC 4514 does, "CN=www.example.org,O=Example,C=DE"' },
];
export const USAGE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--san <name>', description: 'alternative name: DNS:www.example.org, IP:192.0.2.1, email:…, URI:…; may be repeated', repeat: true },
  { flags: '--key-usage <names>', description: 'separated by commas; for a TLS server when absent: digitalSignature, with RSA keyEncipherment too' },
  { flags: '--extended-key-usage <names>', description: 'separated by commas; serverAuth when absent' },
];
export const SIGNATURE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--hash <name>', description: 'sha256 when absent, with curves from 384 bits on sha384', choices: ['sha256', 'sha384'] },
  { flags: '--pss', description: 'sign by RSA-PSS; by PKCS#1 when absent' },
];
export const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  { flags: '-o, --out <file>', description: 'file to write; standard output when absent' },
  { flags: '--der', description: 'write DER; PEM when absent' },
  { flags: '--force', description: 'write over a file that exists' },
];

/** The options about validity, with how many days when nobody says. */
export function validityOptions(days: number): readonly OptionSpec[] {
  return [
    { flags: '--days <n>', description: 'how long it is valid', default: String(days) },
    { flags: '--not-before <time>', description: 'from when, as in 2027-01-31 or 2027-01-31T12:00:00Z; now when absent' },
  ];
}

/** What the options say of a certificate, as the packages want it. */
export function certificateWish({ subject, san, keyUsage, extendedKeyUsage, hash, pss }: CertificateOptions): {
  subject: string | undefined; alternativeNames: string[] | undefined; keyUsage: string[] | undefined; extendedKeyUsage: string[] | undefined;
  hash: 'sha256' | 'sha384' | undefined; isPss: boolean;
} {
  return { subject, alternativeNames: san, keyUsage: words(keyUsage), extendedKeyUsage: words(extendedKeyUsage), hash, isPss: pss === true };
}

/** @throws HsmfleetError USAGE */
export function validityWish({ days, notBefore }: ValidityOptions): { days: number; notBefore: Date | undefined } {
  if (!/^[1-9]\d{0,6}$/.test(days)) throw new HsmfleetError('USAGE', `--days wants a number of days, not "${days}"`);
  if (notBefore === undefined) return { days: Number(days), notBefore: undefined };
  const at = new Date(notBefore);
  if (!/^\d{4}-\d\d-\d\d/.test(notBefore) || Number.isNaN(at.getTime())) {
    throw new HsmfleetError('USAGE', `--not-before wants a time, not "${notBefore}"`, { hint: 'write it as in 2027-01-31 or 2027-01-31T12:00:00Z' });
  }
  return { days: Number(days), notBefore: at };
}

/** The ID that a command cannot do without. @throws HsmfleetError USAGE */
export function required(value: string | undefined, option: string, what: string): string {
  if (value === undefined) throw new HsmfleetError('USAGE', `${what}?`, { hint: `say it with ${option}` });
  return value;
}

function words(text: string | undefined): string[] | undefined {
  return text?.split(',').map((word) => word.trim()).filter((word) => word !== '');
}
