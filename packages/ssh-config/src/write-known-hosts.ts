import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { knownHostsLine, parseKnownHosts } from './known-hosts.ts';

/** A key to be taken into known_hosts. */
export interface NewHostKey {
  place: string;
  key: Buffer;
  /** Hide the name. */
  hash: boolean;
}

/**
 * Adds keys to a known_hosts file: the whole file appears at once, so that nobody reads half of it. Links are followed,
 * the mode stays; a file that is not there gets 0600, and its folder 0700.
 * @throws HsmfleetError FILE_WRITE; what was there is unchanged
 */
export async function addToKnownHosts(file: string, keys: readonly NewHostKey[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const path = await realpath(file).catch(() => file);
    const before = await readIfThere(path);
    const mode = before === undefined ? 0o600 : (await stat(path)).mode & 0o777;
    const text = before ?? '';
    const there = new Set(parseKnownHosts(text, path).filter(({ marker }) => marker === undefined).map(({ hosts, key }) => `${hosts} ${key}`));
    const lines = keys.filter(({ place, key }) => !there.has(`${place} ${key.toString('base64')}`)).map(({ place, key, hash }) => knownHostsLine(place, key, hash));
    if (lines.length === 0) return;
    const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
    try {
      const handle = await open(draft, 'wx', mode);
      await handle.writeFile(`${text === '' || text.endsWith('\n') ? text : `${text}\n`}${lines.join('\n')}\n`);
      await handle.sync();
      await handle.close();
      await chmod(draft, mode);
      await rename(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (cause) {
    throw new HsmfleetError('FILE_WRITE', `cannot write ${file}: ${(cause as Error).message}`, { cause, hint: 'nothing of it was changed' });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
