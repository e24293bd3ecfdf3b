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
