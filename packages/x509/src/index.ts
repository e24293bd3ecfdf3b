export * from './certificate.ts';
export * from './public-key.ts';
export { SIGNATURE_ALGORITHMS, type SignatureAlgorithm, type Signer } from './signer.ts';
