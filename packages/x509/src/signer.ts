/** How a certificate or a signing request can be signed. RSA-PSS: salt as long as the hash, MGF1 with the same hash. */
export const SIGNATURE_ALGORITHMS = ['rsa-pkcs1-sha256', 'rsa-pkcs1-sha384', 'rsa-pss-sha256', 'rsa-pss-sha384', 'ecdsa-sha256', 'ecdsa-sha384'] as const;

/** One of {@link SIGNATURE_ALGORITHMS}. */
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** A private key that can sign, wherever it lives: in a token, or in a file for laboratories. */
export interface Signer {
  /** DER SubjectPublicKeyInfo of the public half. */
  spki: Buffer;
  /**
   * Hashes and signs.
   * @returns the signature as X.509 wants it: the octets for RSA, a DER SEQUENCE { r, s } for ECDSA
   * @throws HsmfleetError when the key cannot make such a signature
   */
  sign(algorithm: SignatureAlgorithm, toBeSigned: Buffer): Promise<Buffer>;
}
