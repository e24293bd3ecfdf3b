import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { replaceFile } from './replace-file.ts';
import { rekeyValues } from './rekey-values.ts';
import type { Opened, Opener, Sealer } from './sealing.ts';
import { openSealedFile, readBytes } from './vault-file.ts';

/** What became of a file. */
export interface Rekeyed {
  path: string;
  /** Values in it that were encrypted anew; `whole` for a file that is encrypted as a whole, 0 for one that was left alone. */
  values: number | 'whole';
}

/**
 * Encrypts files anew, with another password or for other recipients: files that are encrypted as a whole, and the values in
 * YAML files, whose comments and layout stay. All of them, or none when one cannot be decrypted.
 * @param only vault ids: whatever has another one is left as it is
 * @throws HsmfleetError FILE_MISSING, FILE_WRITE, VAULT_INVALID for a file with nothing to rekey, VAULT_PASSWORD, AGE_IDENTITY, AGE_INVALID,
 *   PLAYBOOK_SYNTAX; USAGE when there are several vault ids, and nothing says which are meant
 */
export async function rekeyFiles(paths: readonly string[], opener: Opener, sealer: Sealer, only?: readonly string[]): Promise<Rekeyed[]> {
  const labels = new Set<string>();
  const keeps = ({ label }: Opened): boolean => {
    if (label !== undefined) labels.add(label);
    return only !== undefined && (label === undefined || !only.includes(label));
  };
  const planned: { path: string; before: Buffer; after: string | undefined; values: number | 'whole' }[] = [];
  for (const path of paths) {
    const before = await readBytes(path);
    if (sealedKind(before) === undefined) {
      planned.push({ path, before, ...(await rekeyValues(path, before, opener, sealer, keeps)) });
      continue;
    }
    const opened = await openSealedFile(path, before, opener);
    planned.push(keeps(opened) ? { path, before, after: undefined, values: 0 } : { path, before, after: await sealer.seal(opened.plaintext), values: 'whole' });
  }
  if (only === undefined && labels.size > 1) {
    throw new HsmfleetError('USAGE', `there are several vault ids: ${[...labels].sort().join(', ')}; nothing was changed`, { hint: 'say with --only-vault-id which get the new password; name all of them to give it to all' });
  }
  for (const { path, before, after } of planned) if (after !== undefined) await replaceFile(path, after, before);
  return planned.map(({ path, values }) => ({ path, values }));
}
