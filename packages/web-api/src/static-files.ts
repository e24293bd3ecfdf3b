import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { HsmfleetError } from '@hsmfleet/contract';

/** Media types of what a build of the dashboard holds; files of another kind are not served. */
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.json': 'application/json',
  '.webmanifest': 'application/manifest+json', '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = /^(?:text\/|image\/svg|application\/(?:json|manifest))/;
/** Names that Vite gives to files whose contents are in their name. */
const HASHED = /^\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

type Encoding = 'br' | 'gzip';

/** A file, ready to be sent. */
export interface StaticFile {
  body: Buffer;
  type: string;
  encoding: Encoding | undefined;
  etag: string;
  cacheControl: string;
}

interface Loaded {
  type: string;
  etag: string;
  cacheControl: string;
  bodies: Map<Encoding | undefined, Buffer>;
}

/**
 * The files of the dashboard, read once when the server starts. Requests look names up in a table and never reach the file
 * system, so no path leads anywhere else.
 */
export class StaticFiles {
  readonly #files = new Map<string, Loaded>();

  /** @throws HsmfleetError FILE_MISSING when the folder is not a build of the dashboard */
  static async load(folder: string): Promise<StaticFiles> {
    const files = new StaticFiles();
    for (const name of listFiles(folder)) {
      const type = TYPES[extname(name).toLowerCase()];
      if (type === undefined) continue;
      const body = readFileSync(join(folder, name));
      const path = `/${name}`;
      files.#files.set(path, {
        type,
        etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`,
        cacheControl: HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
        bodies: await compress(body, type),
      });
    }
    if (!files.#files.has('/index.html')) {
      throw new HsmfleetError('FILE_MISSING', `${folder} holds no build of the dashboard`, { hint: 'build it: nx run @hsmfleet/web:build' });
    }
    return files;
  }

  /** The file of a path as it stands in a request, in the best form that the client takes. */
  find(path: string, acceptEncoding: string): StaticFile | undefined {
    const file = this.#files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return undefined;
    const encoding = (['br', 'gzip'] as const).find((name) => file.bodies.has(name) && accepts(acceptEncoding, name));
    const body = file.bodies.get(encoding);
    if (body === undefined) return undefined;
    // an entity tag names one form of the file
    const etag = encoding === undefined ? file.etag : `${file.etag.slice(0, -1)}-${encoding}"`;
    return { body, encoding, etag, type: file.type, cacheControl: file.cacheControl };
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length));
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `the dashboard's files cannot be read from ${folder}`, { cause });
  }
}

async function compress(body: Buffer, type: string): Promise<Loaded['bodies']> {
  const bodies: Loaded['bodies'] = new Map([[undefined, body]]);
  if (!COMPRESSIBLE.test(type) || body.length < 1_024) return bodies;
  bodies.set('gzip', await promisify(gzip)(body, { level: 9 }));
  bodies.set('br', await promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  return bodies;
}

function accepts(header: string, encoding: Encoding): boolean {
  return header.split(',').some((part) => {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
