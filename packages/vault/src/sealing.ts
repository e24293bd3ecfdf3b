import type { HsmfleetError } from '@hsmfleet/contract';

/** Encrypts, with a password of Ansible Vault or for recipients of age. */
export interface Sealer {
  /** @returns text that ends with a line break */
  seal(plaintext: Buffer): Promise<string>;
}

/** What was decrypted. */
export interface Opened {
  plaintext: Buffer;
  /** Vault id in the header; absent for age. */
  label?: string;
  /** Encrypts for those who can open it now; a mistake when that cannot be told. */
  again: Sealer | HsmfleetError;
}

/** Decrypts what begins as something encrypted does: see sealedKind. */
export interface Opener {
  /** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID */
  open(sealed: string | Buffer): Promise<Opened>;
}
