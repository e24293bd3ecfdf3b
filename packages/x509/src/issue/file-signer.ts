import { constants, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import type { SignatureAlgorithm, Signer } from '../signer.ts';

/** A signer whose key node:crypto holds: the key of a laboratory's authority, or of a test. */
export function signerFromKey(key: KeyObject): Signer {
  return {
    spki: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    sign(algorithm: SignatureAlgorithm, toBeSigned: Buffer) {
      const hash = algorithm.endsWith('sha384') ? 'sha384' : 'sha256';
      const isPss = algorithm.startsWith('rsa-pss');
      try {
        return Promise.resolve(sign(hash, toBeSigned, isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : key));
      } catch (thrown) {
        return Promise.reject(new HsmfleetError('USAGE', `the key cannot sign with ${algorithm} (${thrown instanceof Error ? thrown.message : 'unknown'})`, { cause: thrown }));
      }
    },
  };
}
