import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, fstatSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import type { FileStat, ReadHost } from '@hsmfleet/resource';
import type { Accounts } from './accounts.ts';

const DEFAULT_LIMIT = 4 * 1024 * 1024;
/** Larger files are hashed piece by piece, so that the agent hears its control host meanwhile. */
const HASHED_AT_ONCE = 1024 * 1024;

/** The part of a ReadHost that reads files. */
export type FileReader = Pick<ReadHost, 'readFile' | 'readText' | 'stat' | 'lstat' | 'list' | 'realPath' | 'sha256'>;

/**
 * Reads files; hashes are remembered by device, inode, size and time of change, so that a run hashes a file once. Node's
 * synchronous calls: each is quicker than waking one of its threads, which for a small run costs more than the reading.
 */
export function createFileReader(accounts: Accounts): FileReader {
  const hashes = new Map<string, string>();

  async function describe(stats: BigIntStats, path: string): Promise<FileStat> {
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
    const uid = Number(stats.uid);
    const gid = Number(stats.gid);
    return {
      kind,
      mode: Number(stats.mode & 0o7777n),
      uid,
      gid,
      owner: await accounts.userName(uid),
      group: await accounts.groupName(gid),
      size: Number(stats.size),
      mtimeMs: Number(stats.mtimeNs / 1000n) / 1000,
      ...(kind === 'link' ? { target: readlinkSync(path) } : {}),
    };
  }

  const reader: FileReader = {
    readFile: (path, maxBytes = DEFAULT_LIMIT) => orUndefined(() => {
      // a pipe without a writer must not stop the agent
      const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stats = fstatSync(file);
        if (stats.isDirectory()) throw new HsmfleetError('TASK_FAILED', `${path} is a directory, not a file`);
        // files of /proc say they are empty: so the bytes are counted, not believed
        const bytes = readAtMost(file, stats.size, maxBytes);
        if (bytes === undefined) {
          throw new HsmfleetError('TASK_FAILED', `${path} is larger than ${String(maxBytes)} bytes, so it was not read`, {
            hint: 'check that this is the file that was meant',
          });
        }
        return bytes;
      } finally {
        closeSync(file);
      }
    }),
    readText: async (path, maxBytes) => (await reader.readFile(path, maxBytes))?.toString('utf8'),
    stat: (path) => orUndefined(() => describe(statSync(path, { bigint: true }), path)),
    lstat: (path) => orUndefined(() => describe(lstatSync(path, { bigint: true }), path)),
    list: (path) => orUndefined(() => readdirSync(path).sort()),
    realPath: (path) => orUndefined(() => realpathSync.native(path)),
    sha256: (path) => orUndefined(async () => {
      const stats = statSync(path, { bigint: true });
      // a pipe or a device never ends
      if (!stats.isFile()) throw new HsmfleetError('TASK_FAILED', `${path} is not a regular file, so it has no checksum`, { hint: 'check that this is the file that was meant' });
      const { dev, ino, size, mtimeNs, ctimeNs } = stats;
      const key = [dev, ino, size, mtimeNs, ctimeNs].join('.');
      let hash = hashes.get(key);
      if (hash === undefined) {
        hash = await hashFile(path, size <= HASHED_AT_ONCE);
        hashes.set(key, hash);
      }
      return hash;
    }),
  };
  return reader;
}

function readAtMost(file: number, expected: number, maxBytes: number): Buffer | undefined {
  if (expected > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let total = 0;
  let size = expected + 1;
  for (;;) {
    const buffer = Buffer.allocUnsafe(size);
    const bytesRead = readSync(file, buffer, 0, size, null);
    if (bytesRead === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    total += bytesRead;
    if (total > maxBytes) return undefined;
    chunks.push(buffer.subarray(0, bytesRead));
    size = 65_536;
  }
}

async function hashFile(path: string, atOnce: boolean): Promise<string> {
  const hash = createHash('sha256');
  if (atOnce) return hash.update(readFileSync(path)).digest('hex');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A missing file is an answer, not an error; anything else is thrown with the path and the reason. */
async function orUndefined<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (thrown instanceof HsmfleetError || code === undefined) throw thrown;
    throw new HsmfleetError('TASK_FAILED', `cannot read ${(thrown as NodeJS.ErrnoException).path ?? 'a file'}: ${code}`, {
      cause: thrown,
      ...(code === 'EACCES' || code === 'EPERM' ? { hint: 'run with become, as root' } : {}),
      ...(code === 'ELOOP' ? { hint: 'a chain of links leads back to itself' } : {}),
    });
  }
}
