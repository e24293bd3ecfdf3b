import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import type { FileStat, ReadHost } from '@hsmfleet/resource';
import type { Accounts } from './accounts.ts';

const DEFAULT_LIMIT = 4 * 1024 * 1024;

/** The part of a ReadHost that reads files. */
export type FileReader = Pick<ReadHost, 'readFile' | 'readText' | 'stat' | 'lstat' | 'list' | 'realPath' | 'sha256'>;

/** Reads files; hashes are remembered by device, inode, size and time of change, so that a run hashes a file once. */
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
      ...(kind === 'link' ? { target: await readlink(path) } : {}),
    };
  }

  const reader: FileReader = {
    readFile: (path, maxBytes = DEFAULT_LIMIT) => orUndefined(async () => {
      const file = await open(path, 'r');
      try {
        const stats = await file.stat();
        if (stats.isDirectory()) throw new HsmfleetError('TASK_FAILED', `${path} is a directory, not a file`);
        // files of /proc say they are empty: so the bytes are counted, not believed
        const bytes = await readAtMost(file, stats.size, maxBytes);
        if (bytes === undefined) {
          throw new HsmfleetError('TASK_FAILED', `${path} is larger than ${String(maxBytes)} bytes, so it was not read`, {
            hint: 'check that this is the file that was meant',
          });
        }
        return bytes;
      } finally {
        await file.close();
      }
    }),
    readText: async (path, maxBytes) => (await reader.readFile(path, maxBytes))?.toString('utf8'),
    stat: (path) => orUndefined(async () => describe(await stat(path, { bigint: true }), path)),
    lstat: (path) => orUndefined(async () => describe(await lstat(path, { bigint: true }), path)),
    list: (path) => orUndefined(async () => (await readdir(path)).sort()),
    realPath: (path) => orUndefined(() => realpath(path)),
    sha256: (path) => orUndefined(async () => {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const key = [dev, ino, size, mtimeNs, ctimeNs].join('.');
      let hash = hashes.get(key);
      if (hash === undefined) {
        hash = await hashFile(path);
        hashes.set(key, hash);
      }
      return hash;
    }),
  };
  return reader;
}

async function readAtMost(file: Awaited<ReturnType<typeof open>>, expected: number, maxBytes: number): Promise<Buffer | undefined> {
  if (expected > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let total = 0;
  let size = expected + 1;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size);
    if (bytesRead === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    total += bytesRead;
    if (total > maxBytes) return undefined;
    chunks.push(buffer.subarray(0, bytesRead));
    size = 65_536;
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A missing file is an answer, not an error; anything else is thrown with the path and the reason. */
async function orUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
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
