import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobFiles } from './blob-files.ts';

let folder: string;
let blobs: BlobFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-blobs-'));
  blobs = new BlobFiles(join(folder, 'blobs'));
});
afterEach(() => { rmSync(folder, { recursive: true }); });

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a file on its way in', () => {
  it('appears only when it is whole, readable by its owner alone', () => {
    const draft = blobs.receive(sha('hello'), 5);
    expect(draft.push(Buffer.from('hel'))).toBe(false);
    expect(blobs.has(sha('hello'), 5)).toBe(false);
    expect(draft.push(Buffer.from('lo'))).toBe(true);
    expect(statSync(blobs.path(sha('hello'))).mode & 0o777).toBe(0o600);
    expect(statSync(blobs.folder).mode & 0o777).toBe(0o700);
  });

  it.each([['another hash', 'hullo', 'another SHA-256'], ['too many bytes', 'hello!', 'more bytes came']])('leaves nothing behind with %s', (_, bytes, message) => {
    const draft = blobs.receive(sha('hello'), 5);
    expect(() => draft.push(Buffer.from(bytes))).toThrow(message);
    expect(readdirSync(blobs.folder)).toEqual([]);
  });

  it('leaves nothing behind when it is given up, nor when its program was killed a day ago', () => {
    const draft = blobs.receive(sha('hello'), 5);
    draft.push(Buffer.from('hel'));
    draft.abandon();
    expect(readdirSync(blobs.folder)).toEqual([]);
    blobs.receive(sha('killed'), 6);
    const [part = ''] = readdirSync(blobs.folder);
    const old = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(blobs.folder, part), old, old);
    blobs.receive(sha('hello'), 5).push(Buffer.from('hello'));
    expect(readdirSync(blobs.folder)).toEqual([sha('hello')]);
  });
});
