import { HsmfleetError } from '@hsmfleet/contract';
import { parseAlternativeNames, parseExtendedKeyUsage, parseKeyUsage, parseSubject } from '@hsmfleet/x509/issue';
import type { CertificateOptions, ValidityOptions } from './certificate-options.ts';

/**
 * What the options say of a certificate, as the packages want it. All of it is read once: a mistake is to be known before
 * anybody types a PIN.
 * @throws HsmfleetError NAME_INVALID, USAGE
 */
export function certificateWish({ subject, san, keyUsage, extendedKeyUsage, hash, pss }: CertificateOptions): {
  subject: string | undefined; alternativeNames: string[] | undefined; keyUsage: string[] | undefined; extendedKeyUsage: string[] | undefined;
  hash: 'sha256' | 'sha384' | undefined; isPss: boolean;
} {
  if (subject !== undefined) parseSubject(subject);
  if (san !== undefined) parseAlternativeNames(san);
  parseKeyUsage(words(keyUsage) ?? []);
  parseExtendedKeyUsage(words(extendedKeyUsage) ?? []);
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

/** Facts for people, a line each: `key fingerprint  …`. */
export function formatFacts(facts: Record<string, unknown>): string[] {
  return Object.entries(facts).map(([name, value]) => {
    const words = name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return `${words.padEnd(17)} ${Array.isArray(value) ? value.join(', ') || 'none' : String(value)}`;
  });
}
