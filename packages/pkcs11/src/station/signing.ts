import { constants, createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import { describeSpki, type SignatureAlgorithm } from '@hsmfleet/x509';
import { CKM } from './mechanisms.ts';

type Hash = 'sha256' | 'sha384';

/** DER of DigestInfo up to the digest (RFC 8017, 9.2). */
const DIGEST_INFO: Readonly<Record<Hash, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
};
const HASH_CKM: Readonly<Record<Hash, { hash: number; mgf: number; rsa: number; pss: number; ecdsa: number }>> = {
  sha256: { hash: CKM.SHA256, mgf: 2, rsa: CKM.SHA256_RSA_PKCS, pss: CKM.SHA256_RSA_PKCS_PSS, ecdsa: CKM.ECDSA_SHA256 },
  sha384: { hash: CKM.SHA384, mgf: 3, rsa: CKM.SHA384_RSA_PKCS, pss: CKM.SHA384_RSA_PKCS_PSS, ecdsa: CKM.ECDSA_SHA384 },
};

/** What is asked of the token for a signature. */
export interface SignRequest {
  mechanism: number;
  pss?: { hash: number; mgf: number; salt: number };
  data: Buffer;
}

/**
 * Chooses what the token is to sign: hashes outside, so that a token with raw mechanisms alone will do.
 * @param mechanisms CKM_ values that the token offers for signing
 * @throws HsmfleetError USAGE when the key is of another kind; PKCS11 when the token has no mechanism for it
 */
export function chooseMechanism(spki: Buffer, algorithm: SignatureAlgorithm, mechanisms: ReadonlySet<number>, toBeSigned: Buffer): SignRequest {
  const key = describeSpki(spki);
  const wantsRsa = algorithm.startsWith('rsa');
  if (key === undefined || key.type !== (wantsRsa ? 'rsa' : 'ec')) {
    throw new HsmfleetError('USAGE', `a key of type ${key?.type ?? 'unknown'} cannot sign with ${algorithm}`, { hint: `choose ${wantsRsa ? 'ECDSA' : 'an RSA signature'}` });
  }
  const hash: Hash = algorithm.endsWith('sha384') ? 'sha384' : 'sha256';
  const digest = createHash(hash).update(toBeSigned).digest();
  const ckm = HASH_CKM[hash];
  const pss = { hash: ckm.hash, mgf: ckm.mgf, salt: digest.length };
  const modulusBytes = Math.ceil((key.bits ?? 0) / 8);
  const candidates: SignRequest[] = algorithm.startsWith('rsa-pkcs1')
    ? [
        { mechanism: CKM.RSA_PKCS, data: Buffer.concat([DIGEST_INFO[hash], digest]) },
        { mechanism: ckm.rsa, data: toBeSigned },
        { mechanism: CKM.RSA_X_509, data: padPkcs1(Buffer.concat([DIGEST_INFO[hash], digest]), modulusBytes) },
      ]
    : algorithm.startsWith('rsa-pss')
      ? [
          { mechanism: CKM.RSA_PKCS_PSS, pss, data: digest },
          { mechanism: ckm.pss, pss, data: toBeSigned },
          { mechanism: CKM.RSA_X_509, data: padPss(digest, hash, key.bits ?? 0) },
        ]
      : [{ mechanism: CKM.ECDSA, data: digest }, { mechanism: ckm.ecdsa, data: toBeSigned }];
  const chosen = candidates.find(({ mechanism }) => mechanisms.has(mechanism));
  if (chosen !== undefined) return chosen;
  throw new HsmfleetError('PKCS11', `the token has no mechanism for ${algorithm}`, { hint: '`hsmfleet token show` lists what it can' });
}

/** EMSA-PKCS1-v1_5 (RFC 8017, 9.2), for tokens that pad nothing. */
function padPkcs1(digestInfo: Buffer, length: number): Buffer {
  const fill = Math.max(8, length - digestInfo.length - 3);
  return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(fill, 0xff), Buffer.from([0]), digestInfo]);
}

/** EMSA-PSS (RFC 8017, 9.1.1) with a salt as long as the hash, for tokens that know no PSS. */
export function padPss(digest: Buffer, hash: Hash, modulusBits: number, salt: Buffer = randomBytes(digest.length)): Buffer {
  const bits = modulusBits - 1;
  const length = Math.ceil(bits / 8);
  if (length < digest.length + salt.length + 2) {
    throw new HsmfleetError('USAGE', `an RSA key of ${modulusBits} bits is too short for PSS with ${hash}`, { hint: 'use SHA-256, or a longer key' });
  }
  const h = createHash(hash).update(Buffer.concat([Buffer.alloc(8), digest, salt])).digest();
  const block = Buffer.concat([Buffer.alloc(length - salt.length - digest.length - 2), Buffer.from([1]), salt]);
  const mask = mgf1(h, block.length, hash);
  const masked = Buffer.from(block.map((byte, index) => byte ^ (mask[index] ?? 0)));
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - bits));
  const encoded = Buffer.concat([masked, h, Buffer.from([0xbc])]);
  // the modulus may be one octet longer than the encoded message
  return Buffer.concat([Buffer.alloc(Math.ceil(modulusBits / 8) - length), encoded]);
}

function mgf1(seed: Buffer, length: number, hash: Hash): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; Buffer.concat(blocks).length < length; counter += 1) {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(counter);
    blocks.push(createHash(hash).update(seed).update(octets).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** ECDSA as tokens give it (r and s one after the other) to DER SEQUENCE { r, s }. */
export function encodeEcdsa(raw: Buffer): Buffer {
  const half = raw.length / 2;
  const integers = [raw.subarray(0, half), raw.subarray(half)].map((part) => {
    let start = 0;
    while (start < part.length - 1 && part[start] === 0) start += 1;
    const digits = part.subarray(start);
    const content = (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
    return Buffer.concat([Buffer.from([0x02, content.length]), content]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.from(content.length < 0x80 ? [0x30, content.length] : [0x30, 0x81, content.length]), content]);
}

/** Does OpenSSL accept the signature? It is asked before a signature is given out: tokens were seen to sign with another key. */
export function isGoodSignature(spki: Buffer, algorithm: SignatureAlgorithm, signed: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const hash = algorithm.endsWith('sha384') ? 'sha384' : 'sha256';
  const options = algorithm.startsWith('rsa-pss') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return verify(hash, signed, { key, ...options }, signature);
}

/** Bytes that a signature of this key may take. */
export function signatureSize(spki: Buffer): number {
  return Math.max(256, 2 * Math.ceil((describeSpki(spki)?.bits ?? 0) / 8));
}
