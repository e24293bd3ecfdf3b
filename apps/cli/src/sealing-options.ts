import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import type { Opener, Sealer } from '@hsmfleet/vault';
import { loadAgeKeyring, loadAgeRecipients, type AgeRecipientOptions } from './age-options.ts';
import { loadKeyring, type VaultOptions } from './vault-options.ts';

/** With what the commands around encrypted files encrypt. */
export interface SealOptions extends VaultOptions, AgeRecipientOptions {
  encryptVaultId?: string;
}

/**
 * What decrypts files, whichever of the two encrypted them. Passwords and identities are read when the first file wants them,
 * and a password is asked for when nothing says where it is.
 */
export function fileOpener(options: VaultOptions): Opener {
  const vault = once(() => loadKeyring(options, 'prompt'));
  const age = once(() => loadAgeKeyring(options));
  return {
    async open(sealed) {
      if (sealedKind(sealed) !== 'age') return (await vault()).open(sealed);
      const { plaintext, recipient } = await (await age()).open(sealed);
      return { plaintext, again: recipient === undefined ? severalRecipients() : await ageSealer([recipient]) };
    },
  };
}

/**
 * What encrypts: age when recipients are named, else a password of the vault.
 * @throws HsmfleetError USAGE when both are given; VAULT_PASSWORD, AGE_INVALID, FILE_MISSING
 */
export async function fileSealer(options: SealOptions): Promise<Sealer> {
  const age = await recipientSealer(options);
  if (age === undefined) {
    const { vaultSealer } = await import('@hsmfleet/vault');
    return vaultSealer((await loadKeyring(options, 'new')).pick(options.encryptVaultId));
  }
  const { vaultId, vaultPasswordFile, vaultPasswordFd, askVaultPass, encryptVaultId } = options;
  if ([vaultId, vaultPasswordFile, vaultPasswordFd, askVaultPass, encryptVaultId].some((each) => each !== undefined)) {
    throw new HsmfleetError('USAGE', 'recipients of age and a vault password are both given', { hint: 'encrypt with one of the two' });
  }
  return age;
}

/** What encrypts for the recipients that are named; undefined when none are. @throws HsmfleetError AGE_INVALID, FILE_MISSING */
export async function recipientSealer(options: AgeRecipientOptions): Promise<Sealer | undefined> {
  const recipients = await loadAgeRecipients(options);
  return recipients.length === 0 ? undefined : ageSealer(recipients);
}

async function ageSealer(recipients: readonly string[]): Promise<Sealer> {
  const { sealForRecipients } = await import('@hsmfleet/age');
  return { seal: (plaintext) => sealForRecipients(plaintext, recipients) };
}

function severalRecipients(): HsmfleetError {
  return new HsmfleetError('AGE_INVALID', 'it is encrypted for several recipients of age, and does not say who they are', { hint: 'name all of them: --age-recipients-file FILE, or --age-recipient age1… for each' });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => (known ??= make());
}
