import { readFile } from 'node:fs/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { Encrypter } from 'age-encryption';

/**
 * Looks whether a text is the recipient of an age key: `age1…`.
 * @throws HsmfleetError AGE_INVALID, which never repeats a text that is an identity
 */
export function parseRecipient(text: string): string {
  const recipient = text.trim();
  if (/^AGE-SECRET-KEY-/i.test(recipient)) {
    throw new HsmfleetError('AGE_INVALID', 'an identity stands where a recipient is wanted: it is secret, and is not repeated here', { hint: 'age-keygen -y IDENTITY-FILE prints its recipient, age1…' });
  }
  if (recipient.startsWith('ssh-')) {
    throw new HsmfleetError('AGE_INVALID', 'SSH keys are no recipients here', { hint: 'age-keygen makes an age key; its recipient begins with age1' });
  }
  try {
    new Encrypter().addRecipient(recipient);
    return recipient;
  } catch {
    throw new HsmfleetError('AGE_INVALID', `"${recipient.slice(0, 80)}" is no age recipient`, { hint: 'a recipient begins with age1; plug-ins of age are not supported. Was it copied whole?' });
  }
}

/**
 * The recipients of a file in the form that age takes with -R: one a line, `#` begins a comment.
 * @throws HsmfleetError FILE_MISSING, AGE_INVALID with the line
 */
export async function readRecipientsFile(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `the recipients file ${path} ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read'}`, { cause });
  }
  const recipients: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    try {
      recipients.push(parseRecipient(line));
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      throw new HsmfleetError(thrown.code, thrown.message, { hint: thrown.hint, position: { file: path, line: index + 1, column: 1 } });
    }
  }
  if (recipients.length === 0) throw new HsmfleetError('AGE_INVALID', `the recipients file ${path} names no recipient`, { hint: 'one recipient a line, age1…' });
  return recipients;
}
