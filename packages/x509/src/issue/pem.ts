import { malformed } from './asn1.ts';

/** The labels of RFC 7468 that are read and written. */
export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PUBLIC KEY';

/** One PEM block with 64 characters a line (RFC 7468). */
export function encodePem(label: PemLabel, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
}

/**
 * The DER blocks of a file that is PEM, with any text around the blocks, or DER itself.
 * @throws HsmfleetError CERTIFICATE_INVALID when the file is PEM without such a block, or a block is broken
 */
export function readPemOrDer(bytes: Buffer, label: PemLabel, what: string): Buffer[] {
  const text = bytes.toString('latin1');
  if (!text.includes('-----BEGIN ')) {
    if (bytes[0] !== 0x30) throw malformed(what, bytes.length === 0 ? 'it is empty' : 'it is neither PEM nor DER');
    return [bytes];
  }
  // old programs call a request NEW
  const blocks = [...text.matchAll(/-----BEGIN (?:NEW )?([A-Z0-9 ]+)-----([^-]*)(-----END (?:NEW )?\1-----)?/g)];
  const wanted = blocks.filter(([, found]) => found === label || found === `TRUSTED ${label}` || found === `X509 ${label}`);
  if (wanted.length === 0) throw malformed(what, `it holds no ${label} block, but ${blocks.map(([, found]) => found).join(', ') || 'something else'}`);
  return wanted.map(([, found, body = '', end]) => {
    const base64 = body.replaceAll(/\s/g, '');
    if (found !== label) throw malformed(what, `a block is called ${found ?? ''}`);
    if (end === undefined) throw malformed(what, `a ${label} block does not end`);
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw malformed(what, `a ${label} block is not base64`);
    return Buffer.from(base64, 'base64');
  });
}
