import { HsmfleetError, type CertificateRow, type KeyRow, type ModuleRow, type TokenRow } from '@hsmfleet/contract';
import { absentToken } from '../absent-token.ts';
import type { TlsSiteParams } from './schema.ts';

/** The key that is to serve. */
export interface ChosenKey {
  token: TokenRow;
  id: string;
  /** `rsa` or `ec`. */
  type: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex: what the handshake must show. */
  fingerprint: string;
  certificate: CertificateRow;
}

interface Candidate {
  key: Pick<KeyRow, 'id' | 'label' | 'type' | 'bits'>;
  certificate: CertificateRow;
}

/**
 * Finds token, key and certificate that the parameters name, or the only ones that can be meant.
 * @throws HsmfleetError PKCS11, TOKEN_NOT_FOUND, TASK_FAILED; the message lists what is there
 */
export function chooseKey(params: TlsSiteParams, module: Pick<ModuleRow, 'path' | 'tokens' | 'error'>): ChosenKey {
  if (module.error !== null) {
    throw new HsmfleetError('PKCS11', `${module.path} cannot be asked for its tokens: ${module.error.message}`, { hint: module.error.hint ?? 'check the module with a pkcs11_module task first' });
  }
  const token = chooseToken(params, module.tokens);
  const all = candidatesOf(token);
  const listed = all.map(({ key, certificate }) => `${key.id} "${certificate.label}" ${key.type}${key.bits === null ? '' : ` ${String(key.bits)}`}`).join(', ') || 'none';
  const { key_id: id, key_label: label } = params;
  const named = all.filter(
    ({ key, certificate }) => (id === undefined || key.id === id.toLowerCase()) && (label === undefined || key.label === label || certificate.label === label),
  );
  const fit = id === undefined && label === undefined ? named.filter(({ key }) => isStrong(key)) : named;
  const [only, ...others] = fit;
  if (only === undefined || others.length > 0) {
    const asked = id ?? label;
    throw new HsmfleetError(
      'TASK_FAILED',
      only === undefined
        ? `token "${token.label}" has no key ${asked === undefined ? 'fit to serve' : `"${asked}"`} with a certificate (keys with one: ${listed})`
        : `token "${token.label}" has ${String(fit.length)} keys that could serve (${listed})`,
      { hint: only === undefined ? 'prepare key and certificate on the station' : 'name one with key_id' },
    );
  }
  if (!isStrong(only.key)) {
    throw new HsmfleetError('TASK_FAILED', `key ${only.key.id} on token "${token.label}" is too weak to serve: ${only.key.type} ${String(only.key.bits ?? '')}`.trim(), {
      hint: 'OpenSSL refuses RSA keys below 2048 bits: use an EC key or a longer one',
    });
  }
  return { token, id: only.key.id, type: only.key.type, fingerprint: only.certificate.keyFingerprint, certificate: only.certificate };
}

function chooseToken(params: TlsSiteParams, tokens: readonly TokenRow[]): TokenRow {
  const present = tokens.map((token) => `"${token.label}"`).join(', ') || 'none';
  // an uninitialised token has no label
  const matching = params.token === undefined ? tokens.filter((token) => token.label !== '') : tokens.filter((token) => token.label === params.token);
  const [only, ...others] = matching;
  if (only === undefined) {
    throw absentToken(params.token, tokens.map((token) => token.label));
  }
  if (others.length > 0) {
    throw new HsmfleetError('TASK_FAILED', params.token === undefined ? `several tokens are present (${present})` : `several tokens have the label "${params.token}"`, {
      hint: params.token === undefined ? 'name one with token' : 'no engine can tell them apart: label one of them anew, or filter readers with PKCS11_READER_FILTER',
    });
  }
  return only;
}

/** Keys with a certificate that is theirs. Without a login a card may show the certificate alone. */
function candidatesOf(token: TokenRow): Candidate[] {
  return token.certificates
    .filter((certificate) => certificate.matchesKey !== false)
    .flatMap((certificate): Candidate[] => {
      const key = token.keys.find((row) => row.id === certificate.id);
      return key === undefined ? [] : [{ key, certificate }];
    });
}

function isStrong(key: Candidate['key']): boolean {
  return key.type === 'ec' || (key.type === 'rsa' && (key.bits ?? 0) >= 2048);
}
