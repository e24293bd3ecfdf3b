import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from './store.ts';
import { stamp } from './testdata/samples.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-artifacts-'));
  store = await openStore(join(folder, 'hsmfleet.db'));
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const artifact = (text: string, more: Partial<Artifact> = {}): Artifact => ({
  name: 'libp11', version: '2.12-1', architecture: 'amd64', format: 'deb', sha256: sha(text), size: Buffer.byteLength(text), buildHost: 'b1',
  builtAt: '2026-01-01T00:00:00.000Z', inputsSha256: sha('in'), log: 'make\nok\n', file: 'libp11_2.12-1_amd64.deb', ...more,
});
const keep = (text: string): boolean => store.blobs.receive(sha(text), Buffer.byteLength(text)).push(Buffer.from(text));

describe('packages that hosts built', () => {
  it('are listed, the one told of last first; told of again they stay one', async () => {
    let seq = 0;
    const tell = (run: string, at: string, one: Artifact): void => { store.appendEvent({ seq: seq++, at, run, host: 'b1', type: 'artifact', artifact: one }); };
    tell('run-1', '2026-01-01T00:00:00.000Z', artifact('one'));
    tell('run-2', '2026-01-02T00:00:00.000Z', artifact('two', { version: '2.13-1' }));
    tell('run-2', '2026-01-02T00:00:00.000Z', artifact('other', { name: 'other' }));
    expect((await store.artifacts('libp11')).map(({ version, run }) => [version, run])).toEqual([['2.13-1', 'run-2'], ['2.12-1', 'run-1']]);
    tell('run-3', '2026-01-03T00:00:00.000Z', artifact('one', { buildHost: 'b2' }));
    expect((await store.artifacts('libp11')).map(({ version, run, buildHost, toldAt }) => [version, run, buildHost, toldAt])).toEqual([
      ['2.12-1', 'run-1', 'b1', '2026-01-03T00:00:00.000Z'], ['2.13-1', 'run-2', 'b1', '2026-01-02T00:00:00.000Z'],
    ]);
    expect(await store.artifacts()).toHaveLength(3);
    await expect(store.query('select name, version, latest, host, told_run, log from artifacts order by name, version')).resolves.toMatchObject({
      rows: [['libp11', '2.12-1', 1, 'b1', 'run-3', 'make\nok\n'], ['libp11', '2.13-1', 0, 'b1', 'run-2', 'make\nok\n'], ['other', '2.12-1', 1, 'b1', 'run-2', 'make\nok\n']],
    });
  });

  it('have a path once their bytes are here, and none after they are forgotten', async () => {
    store.appendEvent(stamp('run-1')('b1', { type: 'artifact', artifact: artifact('bytes') }));
    expect((await store.artifacts())[0]?.path).toBeUndefined();
    keep('bytes');
    expect(readFileSync((await store.artifacts())[0]?.path ?? '', 'utf8')).toBe('bytes');
    expect(await store.forgetArtifact(sha('bytes'))).toBe(true);
    expect(await store.forgetArtifact(sha('bytes'))).toBe(false);
    expect(await store.artifacts()).toEqual([]);
    expect(readdirSync(join(folder, 'blobs'))).toEqual([]);
  });

  it('whose file was cut short count as not here', async () => {
    store.appendEvent(stamp('run-1')('b1', { type: 'artifact', artifact: artifact('bytes') }));
    keep('bytes');
    writeFileSync(store.blobs.path(sha('bytes')), 'byte');
    expect((await store.artifacts())[0]?.path).toBeUndefined();
  });
});

describe('a file on its way in', () => {
  it('appears only when it is whole, readable by its owner alone', async () => {
    const draft = store.blobs.receive(sha('hello'), 5);
    expect(draft.push(Buffer.from('hel'))).toBe(false);
    expect(store.blobs.has(sha('hello'), 5)).toBe(false);
    expect(draft.push(Buffer.from('lo'))).toBe(true);
    expect(statSync(store.blobs.path(sha('hello'))).mode & 0o777).toBe(0o600);
    expect(statSync(store.blobs.folder).mode & 0o777).toBe(0o700);
  });

  it.each([['another hash', 'hullo', 'another SHA-256'], ['too many bytes', 'hello!', 'more bytes came']])('leaves nothing behind with %s', (_, bytes, message) => {
    const draft = store.blobs.receive(sha('hello'), 5);
    expect(() => draft.push(Buffer.from(bytes))).toThrow(message);
    expect(readdirSync(store.blobs.folder)).toEqual([]);
  });

  it('leaves nothing behind when it is given up, nor when its program was killed a day ago', async () => {
    const draft = store.blobs.receive(sha('hello'), 5);
    draft.push(Buffer.from('hel'));
    draft.abandon();
    expect(readdirSync(store.blobs.folder)).toEqual([]);
    store.blobs.receive(sha('killed'), 6);
    const [part = ''] = readdirSync(store.blobs.folder);
    const old = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(store.blobs.folder, part), old, old);
    keep('hello');
    expect(readdirSync(store.blobs.folder)).toEqual([sha('hello')]);
  });
});
