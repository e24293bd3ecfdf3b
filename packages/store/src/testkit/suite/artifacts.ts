import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Artifact } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stamp } from '../samples.ts';
import type { Store } from '../../store.ts';
import { openTestStore, type StoreKind, type TestStore } from '../test-store.ts';

/** Packages that hosts built. */
export function artifactsSuite(kind: StoreKind): void {
  let at: TestStore;
  let store: Store;
  beforeEach(async () => {
    at = await openTestStore(kind);
    store = at.store;
  });
  afterEach(async () => { await at.remove(); });

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
      expect(readdirSync(store.blobs.folder)).toEqual([]);
    });

    it('whose file was cut short count as not here', async () => {
      store.appendEvent(stamp('run-1')('b1', { type: 'artifact', artifact: artifact('bytes') }));
      keep('bytes');
      writeFileSync(store.blobs.path(sha('bytes')), 'byte');
      expect((await store.artifacts())[0]?.path).toBeUndefined();
    });
  });
}
