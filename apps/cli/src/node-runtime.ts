import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { HsmfleetError } from '@hsmfleet/contract';

/** A Node binary packed for hosts that have none that fits. */
export interface PackedRuntime {
  path: string;
  /** Of the packed file. */
  sha256: string;
  size: number;
  version: string;
  compression: 'gzip';
}

/** What the packed file was made of; it is made anew when the binary changed. */
interface Note {
  sha256: string;
  size: number;
  source: { size: number; mtimeMs: number };
}

/** The platform whose Node binary the workspace has. */
export const RUNTIME_PLATFORM = `linux-${process.arch}`;

/**
 * The workspace's Node binary, compressed once into `.cache/runtime` (or the user's cache folder where the workspace
 * cannot be written).
 * @param onPack called when it has to be compressed, which takes some seconds
 * @throws HsmfleetError FILE_MISSING when the workspace has no Node
 */
export async function packRuntime(workspace: string, onPack: () => void = () => undefined): Promise<PackedRuntime> {
  const { binary, version } = await findNode(workspace);
  const source = await stat(binary);
  const path = join(await cacheFolder(workspace), `node-${version}-${RUNTIME_PLATFORM}.gz`);
  const known = await readNote(path);
  if (known !== undefined && known.source.size === source.size && known.source.mtimeMs === source.mtimeMs) {
    return { path, sha256: known.sha256, size: known.size, version, compression: 'gzip' };
  }
  onPack();
  const packed = await compress(binary, path);
  const note: Note = { ...packed, source: { size: source.size, mtimeMs: source.mtimeMs } };
  await writeFile(`${path}.json`, JSON.stringify(note));
  return { path, ...packed, version, compression: 'gzip' };
}

/** The npm package `node`: within the workspace, or beside the program where npm installed it. */
async function findNode(workspace: string): Promise<{ binary: string; version: string }> {
  const places = [join(workspace, 'node_modules/node'), join(workspace, '../node')];
  for (const folder of places) {
    const binary = join(folder, 'bin/node');
    try {
      await access(binary, constants.R_OK);
      return { binary, version: (JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }).version };
    } catch {
      // perhaps in the other place
    }
  }
  throw new HsmfleetError('FILE_MISSING', `the Node runtime for hosts is missing: ${places.join(' or ')}`, { hint: 'run `npm run setup`, or allow the install script of the npm package `node`' });
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Note;
    return (await stat(path)).size === note.size ? note : undefined;
  } catch {
    // missing or half written: it is made again
    return undefined;
  }
}

async function compress(binary: string, path: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  // under a name of its own, so that two programs that pack at once do not write into one file
  const unfinished = `${path}.${String(process.pid)}`;
  await pipeline(createReadStream(binary), createGzip({ level: 6 }), measure, createWriteStream(unfinished, { mode: 0o644 }));
  await rename(unfinished, path);
  return { sha256: hash.digest('hex'), size };
}

async function cacheFolder(workspace: string): Promise<string> {
  const own = join(workspace, '.cache/runtime');
  try {
    await mkdir(own, { recursive: true });
    await access(own, constants.W_OK);
    return own;
  } catch {
    const { XDG_CACHE_HOME } = process.env;
    const base = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache');
    const users = join(base, 'hsmfleet/runtime');
    await mkdir(users, { recursive: true });
    return users;
  }
}
