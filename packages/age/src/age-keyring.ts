import { HsmfleetError } from '@hsmfleet/contract';
import { armor, Decrypter, type Stanza } from 'age-encryption';
import type { AgeIdentity } from './identities.ts';

/** What was decrypted, and for whom it was encrypted as far as can be told. */
export interface OpenedAge {
  plaintext: Buffer;
  /**
   * Its one recipient. Undefined when it has several: the format does not say who they are, so that who encrypts it again has
   * to name them.
   */
  recipient: string | undefined;
}

/** Kinds of recipients that a header tells without a key: a passphrase, and those that mean nothing and are there to be ignored. */
const STANZAS = { passphrase: 'scrypt', noise: /-grease$/ };

/** The age identities at hand. */
export class AgeKeyring {
  readonly identities: readonly AgeIdentity[];

  constructor(identities: readonly AgeIdentity[]) {
    this.identities = identities;
  }

  /**
   * Decrypts a value or file, armored or binary, with the first identity that fits.
   * @throws HsmfleetError AGE_INVALID for what is malformed or was changed, AGE_IDENTITY when no identity is there or none fits
   */
  async open(sealed: string | Uint8Array): Promise<OpenedAge> {
    const bytes = toBinary(sealed);
    const kinds = await recipientKinds(bytes);
    if (kinds.includes(STANZAS.passphrase)) {
      throw new HsmfleetError('AGE_INVALID', 'it is encrypted with a passphrase, not for recipients of age', { hint: 'encrypt it for recipients: age -r age1…, or hsmfleet vault encrypt --age-recipient age1…' });
    }
    if (this.identities.length === 0) {
      throw new HsmfleetError('AGE_IDENTITY', 'it is encrypted with age, and no identity is given', { hint: 'give one with --age-identity FILE, or name the file in HSMFLEET_AGE_IDENTITY' });
    }
    for (const { key, recipient } of this.identities) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(key.reveal());
      try {
        const plaintext = Buffer.from(await decrypter.decrypt(bytes));
        const others = kinds.filter((kind) => !STANZAS.noise.test(kind));
        return { plaintext, recipient: others.length === 1 ? recipient : undefined };
      } catch (thrown) {
        if (!(thrown instanceof Error && thrown.message.startsWith('no identity matched'))) throw malformed('its contents were changed or cut off');
      }
    }
    const count = this.identities.length;
    throw new HsmfleetError('AGE_IDENTITY', count === 1 ? `it is encrypted for others than the identity given (${this.identities[0]?.recipient ?? ''})` : `it is encrypted for others than the ${String(count)} identities given`, {
      hint: `${kinds.length === 1 ? 'its one recipient' : `one of its ${String(kinds.length)} recipients`} can open it, and encrypt it for you too: hsmfleet vault rekey`,
    });
  }
}

function toBinary(sealed: string | Uint8Array): Uint8Array {
  const text = typeof sealed === 'string' ? sealed : Buffer.from(sealed.subarray(0, 5)).toString('latin1') === '-----' ? Buffer.from(sealed).toString('latin1') : undefined;
  if (text === undefined) return sealed as Uint8Array;
  try {
    // in YAML each line may be indented, and blank lines are harmless
    return armor.decode(text.trim().split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '').join('\n'));
  } catch {
    throw malformed('its armor is damaged');
  }
}

/** The first words of a header's stanzas, which are plain text. */
async function recipientKinds(bytes: Uint8Array): Promise<string[]> {
  let kinds: string[] = [];
  const decrypter = new Decrypter();
  decrypter.addIdentity({
    unwrapFileKey(stanzas: Stanza[]) {
      kinds = stanzas.map(({ args }) => args[0] ?? '');
      return null;
    },
  });
  await decrypter.decrypt(bytes).catch(() => undefined);
  if (kinds.length === 0) throw malformed('its header is damaged');
  return kinds;
}

function malformed(why: string): HsmfleetError {
  return new HsmfleetError('AGE_INVALID', `what age encrypted cannot be read: ${why}`, { hint: 'was the file or value cut off, or copied in part?' });
}
