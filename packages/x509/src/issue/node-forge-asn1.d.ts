/** The ASN.1 part of node-forge alone: the rest of the library, with its own cryptography, is not loaded. */
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge';

  interface ReadOptions {
    strict: boolean;
    parseAllBytes: boolean;
    decodeBitStrings: boolean;
    maxDepth: number;
  }
  const library: Omit<typeof asn1, 'fromDer'> & { fromDer(bytes: string, options: ReadOptions): asn1.Asn1 };
  export default library;
}
