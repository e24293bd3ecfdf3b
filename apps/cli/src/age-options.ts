import { HsmfleetError } from '@hsmfleet/contract';
import type { AgeKeyring } from '@hsmfleet/age';
import { askHidden, canAsk } from './ask-secret.ts';
import type { OptionSpec } from './command.ts';

/** What opens values and files of age. */
export interface AgeOptions {
  ageIdentity?: string[];
}

export const AGE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--age-identity <file>', repeat: true, description: 'file with age identities, which may have a passphrase; may be repeated' },
];

/** Whom age encrypts for. */
export interface AgeRecipientOptions {
  ageRecipient?: string[];
  ageRecipientsFile?: string[];
}

export const AGE_RECIPIENT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--age-recipient <age1…>', repeat: true, description: 'encrypt with age for this recipient; may be repeated' },
  { flags: '--age-recipients-file <file>', repeat: true, description: 'encrypt with age for the recipients in this file, one a line; may be repeated' },
];

/**
 * The age identities of the command line and of the file that HSMFLEET_AGE_IDENTITY names.
 * @throws HsmfleetError AGE_IDENTITY, FILE_MISSING
 */
export async function loadAgeKeyring({ ageIdentity = [] }: AgeOptions): Promise<AgeKeyring> {
  const [{ AgeKeyring, loadIdentityFile }, { printable }] = await Promise.all([import('@hsmfleet/age'), import('@hsmfleet/reporter')]);
  const { HSMFLEET_AGE_IDENTITY: named = '' } = process.env;
  // what stands there by mistake is the secret itself, and an error about a missing file would print it
  if (/AGE-SECRET-KEY-/i.test(named)) throw new HsmfleetError('AGE_IDENTITY', 'HSMFLEET_AGE_IDENTITY holds an identity', { hint: 'it names a file with one: other programs can read what is in an environment' });
  const warn = (message: string): void => { process.stderr.write(`warning: ${printable(message)}\n`); };
  const identities: AgeKeyring['identities'][number][] = [];
  for (const path of new Set([...ageIdentity, ...(named === '' ? [] : [named])])) {
    if (/AGE-SECRET-KEY-/i.test(path)) throw new HsmfleetError('AGE_IDENTITY', '--age-identity is given an identity, not a file', { hint: 'it stood on a command line, where others can read it: make a new one' });
    identities.push(...await loadIdentityFile(path, { ask: canAsk() ? askHidden : undefined, warn }));
  }
  return new AgeKeyring(identities);
}

/** The recipients that the command line names; none when it names none. @throws HsmfleetError AGE_INVALID, FILE_MISSING */
export async function loadAgeRecipients({ ageRecipient = [], ageRecipientsFile = [] }: AgeRecipientOptions): Promise<string[]> {
  if (ageRecipient.length + ageRecipientsFile.length === 0) return [];
  const { parseRecipient, readRecipientsFile } = await import('@hsmfleet/age');
  const recipients = ageRecipient.map(parseRecipient);
  for (const file of ageRecipientsFile) recipients.push(...await readRecipientsFile(file));
  return recipients;
}
