import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '@hsmfleet/contract';
import { defaultStorePath, openStore } from '@hsmfleet/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportArtifact, forgetArtifacts, listArtifacts, showArtifact } from './artifacts.ts';

let folder: string;
const home = process.env.XDG_STATE_HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-artifacts-'));
  process.env.XDG_STATE_HOME = folder;
});
afterEach(() => {
  if (home === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = home;
  rmSync(folder, { recursive: true });
});

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Stores packages as runs tell of them, in order; with their files unless told otherwise. */
async function keep(...packages: (Partial<Artifact> & { text: string; gone?: boolean })[]): Promise<void> {
  const store = await openStore(defaultStorePath());
  for (const [seq, { text, gone, ...more }] of packages.entries()) {
    const artifact: Artifact = {
      name: 'libp11', version: '2.12-1', architecture: 'amd64', format: 'deb', sha256: sha(text), size: text.length, buildHost: 'b1',
      builtAt: '2026-01-01T10:00:00.000Z', inputsSha256: sha('in'), log: 'checking\nall good \u001b[31m\n', file: `libp11_${more.version ?? '2.12-1'}_amd64.deb`, ...more,
    };
    store.appendEvent({ seq, at: `2026-01-0${String(seq + 1)}T10:00:00.000Z`, run: 'run-00000001', host: 'b1', type: 'artifact', artifact });
    if (gone !== true) store.blobs.receive(sha(text), text.length).push(Buffer.from(text));
  }
  await store.close();
}

const TWO = [{ text: 'one', version: '2.11-1' }, { text: 'two' }] as const;

describe('the list', () => {
  it('tells which package is installed when no version is asked for, and whose file is missing', async () => {
    await keep(...TWO, { text: 'other', name: 'a-lib', gone: true });
    const rows = (await listArtifacts(undefined, false)).split('\n').map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(['name', 'version', 'architecture', 'format', 'latest', 'size', 'build host', 'built at', 'sha256']);
    expect(rows.slice(1, 4).map((row) => row.slice(0, 5))).toEqual([
      ['a-lib', '2.12-1', 'amd64', 'deb', 'file missing'], ['libp11', '2.12-1', 'amd64', 'deb', 'latest'], ['libp11', '2.11-1', 'amd64', 'deb', '3'],
    ]);
  });

  it('as JSON has no logs, and can be narrowed', async () => {
    await keep(...TWO, { text: 'other', name: 'a-lib' });
    const found = JSON.parse(await listArtifacts('lib*', true)) as Record<string, unknown>[];
    expect(found.map(({ version, latest, path }) => [version, latest, path])).toEqual([
      ['2.12-1', true, join(folder, 'hsmfleet/blobs', sha('two'))], ['2.11-1', false, join(folder, 'hsmfleet/blobs', sha('one'))],
    ]);
    expect(found[0]).not.toHaveProperty('log');
  });

  it('is empty where nothing was built, and says what there is when a name leaves none', async () => {
    expect([await listArtifacts(undefined, false), await listArtifacts(undefined, true)]).toEqual(['', '[]\n']);
    await keep(...TWO);
    await expect(listArtifacts('libp12', false)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING', message: 'there is no artefact "libp12"', hint: expect.stringContaining('did you mean "libp11"?') as unknown });
  });
});

describe('one package', () => {
  it('is shown with its log, whose control characters are harmless', async () => {
    await keep(...TWO);
    const text = await showArtifact('libp11', {}, false);
    expect(text).toContain('version       2.12-1\n');
    expect(text).toContain('built         on b1 at 2026-01-01T10:00:00.000Z, run run-00000001\n');
    expect(text.endsWith('\nchecking\nall good \\x1b[31m\n')).toBe(true);
    expect(JSON.parse(await showArtifact('libp11', { version: '2.11' }, true))).toMatchObject({ version: '2.11-1', latest: false, log: 'checking\nall good \u001b[31m\n' });
  });

  it('has to be one', async () => {
    await keep(...TWO, { text: 'three', architecture: 'arm64' });
    await expect(showArtifact('libp11', {}, false)).rejects.toMatchObject({ code: 'USAGE', hint: 'say which (2.12-1 deb arm64, 2.12-1 deb amd64, 2.11-1 deb amd64) with --architecture and --format' });
    await expect(showArtifact('libp11', { architecture: 'arm64' }, false)).resolves.toContain('arm64 (deb)');
    await expect(showArtifact('libp11', { format: 'rpm' }, false)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
    await expect(showArtifact('libp11', { version: '3' }, false)).rejects.toMatchObject({ message: 'there is no artefact "libp11" in version 3', hint: 'there is 2.12-1, 2.11-1' });
  });

  it('is written to a file or a folder, never over a file unless told', async () => {
    await keep(...TWO);
    const target = mkdtempSync(join(folder, 'out-'));
    expect(await exportArtifact('libp11', target, {}, false)).toBe(`${join(target, 'libp11_2.12-1_amd64.deb')}\n`);
    expect(readFileSync(join(target, 'libp11_2.12-1_amd64.deb'), 'utf8')).toBe('two');
    writeFileSync(join(target, 'mine'), 'mine');
    await expect(exportArtifact('libp11', join(target, 'mine'), {}, false)).rejects.toMatchObject({ code: 'USAGE', message: `${join(target, 'mine')} exists already` });
    await exportArtifact('libp11', join(target, 'mine'), { version: '2.11' }, true);
    expect(readFileSync(join(target, 'mine'), 'utf8')).toBe('one');
    await expect(exportArtifact('libp11', join(target, 'no/such'), {}, false)).rejects.toMatchObject({ code: 'FILE_WRITE', message: expect.stringContaining('cannot write') as unknown });
    expect(readdirSync(target).sort()).toEqual(['libp11_2.12-1_amd64.deb', 'mine']);
  });

  it('whose file is gone cannot be exported', async () => {
    await keep({ text: 'gone', gone: true });
    await expect(exportArtifact('libp11', folder, {}, false)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING', message: 'the file of the artefact "libp11" 2.12-1 is not here' });
  });
});

it('of several, only what is named is forgotten', async () => {
  await keep(...TWO);
  await expect(forgetArtifacts('libp11', {}, false)).rejects.toMatchObject({ code: 'USAGE', message: 'there are 2 artefacts "libp11"' });
  expect(await forgetArtifacts('libp11', { version: '2.11-1' }, false)).toBe('forgot libp11 2.11-1 (deb, amd64)\n');
  expect(readdirSync(join(folder, 'hsmfleet/blobs'))).toEqual([sha('two')]);
  await forgetArtifacts('libp11', {}, true);
  expect(await listArtifacts(undefined, true)).toBe('[]\n');
});
