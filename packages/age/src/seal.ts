import { HsmfleetError } from '@hsmfleet/contract';
import { armor, Encrypter } from 'age-encryption';
import { parseRecipient } from './recipients.ts';

/**
 * Encrypts for everybody who holds the key of one of the recipients, as text (ASCII armor), with a line break at its end.
 * @throws HsmfleetError AGE_INVALID
 */
export async function sealForRecipients(plaintext: Uint8Array, recipients: readonly string[]): Promise<string> {
  if (recipients.length === 0) throw new HsmfleetError('AGE_INVALID', 'there is no recipient to encrypt for', { hint: 'name one with --age-recipient age1… or --age-recipients-file FILE' });
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) encrypter.addRecipient(parseRecipient(recipient));
  return armor.encode(await encrypter.encrypt(plaintext));
}
