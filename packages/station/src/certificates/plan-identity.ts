import { HsmfleetError } from '@hsmfleet/contract';
import {
  parseAlternativeNames, parseExtendedKeyUsage, parseKeyUsage, parseSubject, serverKeyUsage, type Identity,
} from '@hsmfleet/x509/issue';
import type { TokenKey } from './token-key.ts';

/** Whom a certificate is for, as people type it. */
export interface IdentityWish {
  subject?: string | undefined;
  /** `DNS:www.example.org`, `IP:192.0.2.1`, …; see `parseAlternativeNames`. */
  alternativeNames?: readonly string[] | undefined;
  keyUsage?: readonly string[] | undefined;
  extendedKeyUsage?: readonly string[] | undefined;
}

/**
 * Puts together whom a certificate is for. What is not wished for is as `basis` has it, and else as a TLS server wants it.
 * @param basis a certificate that is to be renewed
 * @throws HsmfleetError NAME_INVALID, USAGE (no subject)
 */
export function planIdentity(wish: IdentityWish, keyType: string, basis?: Identity): Identity {
  if (wish.subject === undefined && basis === undefined) {
    throw new HsmfleetError('USAGE', 'whom is the certificate for?', { hint: 'give a subject, for example --subject "/O=Example/CN=www.example.org"' });
  }
  return {
    subject: wish.subject === undefined ? basis?.subject ?? [] : parseSubject(wish.subject),
    alternativeNames: wish.alternativeNames === undefined ? basis?.alternativeNames ?? [] : parseAlternativeNames(wish.alternativeNames),
    keyUsage: wish.keyUsage === undefined ? basis?.keyUsage ?? serverKeyUsage(keyType) : parseKeyUsage(wish.keyUsage),
    extendedKeyUsage: wish.extendedKeyUsage === undefined ? basis?.extendedKeyUsage ?? ['serverAuth'] : parseExtendedKeyUsage(wish.extendedKeyUsage),
  };
}

/** What clients of today will not accept, though it can be made. */
export function warningsAbout(identity: Identity, key: Pick<TokenKey, 'type' | 'bits'>): string[] {
  const warnings: string[] = [];
  if (identity.alternativeNames.length === 0 && identity.extendedKeyUsage.includes('serverAuth')) {
    warnings.push('without alternative names (--san) browsers and curl accept no server certificate, whatever its common name says');
  }
  if (key.type === 'rsa' && key.bits !== null && key.bits < 2048) {
    warnings.push(`the key has ${key.bits} bits: clients of today refuse RSA keys below 2048`);
  }
  return warnings;
}
