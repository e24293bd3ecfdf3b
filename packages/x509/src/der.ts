/** One DER element. `tag` is the identifier octet; only definite lengths exist in DER. */
export function encodeDer(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.from(evenHex(content.length.toString(16)), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

/** An INTEGER from big-endian unsigned bytes, as PKCS#11 keeps moduli and exponents. */
export function encodeDerUnsigned(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const first = digits[0] ?? 0;
  return encodeDer(0x02, digits.length === 0 || first >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), digits);
}

/** The contents of an OCTET STRING that spans the whole buffer; undefined when the buffer is no such thing. */
export function unwrapOctetString(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== 0x04 || bytes.length < 2) return undefined;
  const short = bytes[1] ?? 0;
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (lengthBytes > 4 || bytes.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? short : bytes.readUIntBE(2, lengthBytes);
  return length === bytes.length - 2 - lengthBytes ? bytes.subarray(2 + lengthBytes) : undefined;
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
