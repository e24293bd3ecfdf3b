import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import { seal, unseal } from './cipher.ts';
import { checkLabel, DEFAULT_LABEL, formatEnvelope, parseEnvelope } from './envelope.ts';
import type { Opened, Opener, Sealer } from './sealing.ts';

/** A vault password with its vault id. */
export interface VaultKey {
  label: string;
  password: Secret;
}

/** What was decrypted, and how. */
export interface OpenedVault extends Opened {
  /** Vault id in the header; `default` for format 1.1. */
  label: string;
  /** The key that fitted, which need not be the one with the label. */
  key: VaultKey;
  again: Sealer;
}

/** The vault passwords at hand. */
export class VaultKeyring implements Opener {
  readonly keys: readonly VaultKey[];

  constructor(keys: readonly VaultKey[]) {
    this.keys = keys;
  }

  /**
   * Decrypts with the first key that fits: those with the label of the header first, then all others, as Ansible does.
   * @throws HsmfleetError VAULT_INVALID for what is malformed, VAULT_PASSWORD when no key is there or none fits
   */
  async open(sealed: string | Buffer): Promise<OpenedVault> {
    const envelope = parseEnvelope(sealed.toString());
    const { label } = envelope;
    if (this.keys.length === 0) throw noPassword();
    const ordered = [...this.keys.filter((key) => key.label === label), ...this.keys.filter((key) => key.label !== label)];
    for (const key of ordered) {
      const plaintext = await unseal(envelope, key.password);
      if (plaintext !== undefined) return { plaintext, label, key, again: vaultSealer(key, label) };
    }
    throw new HsmfleetError('VAULT_PASSWORD', this.#noneFits(label), { hint: 'if the password is right, the encrypted text was changed: compare it with a copy that still opens' });
  }

  /** What was tried, by label; never a password. */
  #noneFits(label: string): string {
    const tried = [...new Set(this.keys.map((key) => key.label))].join(', ');
    return this.keys.length === 1
      ? `the vault password does not fit (vault id "${label}", tried "${tried}")`
      : `none of the ${String(this.keys.length)} vault passwords fits (vault id "${label}", tried ${tried})`;
  }

  /**
   * The key to encrypt with.
   * @param label needed when the keys have several labels
   * @throws HsmfleetError VAULT_PASSWORD, USAGE
   */
  pick(label?: string): VaultKey {
    const [first] = this.keys;
    if (first === undefined) throw noPassword();
    if (label !== undefined) {
      const found = this.keys.find((key) => key.label === label);
      if (found === undefined) throw new HsmfleetError('USAGE', `no password is given for the vault id "${label}"`, { hint: `there are ${this.keys.map((key) => key.label).join(', ')}` });
      return found;
    }
    if (this.keys.length > 1) {
      throw new HsmfleetError('USAGE', `several vault passwords are given: ${this.keys.map((key) => key.label).join(', ')}`, { hint: 'say with --encrypt-vault-id which one encrypts' });
    }
    return first;
  }
}

/** What encrypts with a key, under its label or another one. */
export function vaultSealer(key: VaultKey, label = key.label): Sealer {
  return { seal: (plaintext) => sealText(plaintext, key, label) };
}

/** Encrypts with a key, under its label or another one. */
export async function sealText(plaintext: Buffer, key: VaultKey, label = key.label): Promise<string> {
  if (label !== DEFAULT_LABEL) checkLabel(label);
  return formatEnvelope(await seal(plaintext, key.password, label));
}

function noPassword(): HsmfleetError {
  return new HsmfleetError('VAULT_PASSWORD', 'it is encrypted with Ansible Vault, and no vault password is given', {
    hint: 'give one with --vault-password-file, --vault-id, --vault-password-fd or --ask-vault-pass',
  });
}
