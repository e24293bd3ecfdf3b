import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@hsmfleet/store';
import { sampleReport } from '@hsmfleet/store/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tellChanges } from './tell-changes.ts';

let folder: string;
let printed: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-changes-'));
  vi.stubEnv('XDG_STATE_HOME', folder);
  printed = '';
  // what a person sees is what is tried; the streams themselves belong to the test runner
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => { printed += String(text); return true; });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => { printed += String(text); return true; });
  const store = await openStore();
  await store.recordInventory(sampleReport('web1', '2026-01-01T10:00:00.000Z'));
  const later = sampleReport('web1', '2026-01-02T10:00:00.000Z', { sites: [] });
  for (const key of later.modules[0]?.tokens[0]?.keys ?? []) Object.assign(key, { bits: 4096, label: 'new' });
  await store.recordInventory(later);
  await store.close();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('changes', () => {
  it('have a line for each column that is different, and one for what came or went', async () => {
    expect(await tellChanges({ from: '2026-01-02', format: 'csv' })).toBe(0);
    expect(printed).toBe([
      'at,host,kind,what,change,column,before,after',
      '2026-01-02T10:00:00.000Z,web1,keys,/usr/lib/hsm.so fleet S1 01 pair,changed,label,old,new',
      '2026-01-02T10:00:00.000Z,web1,keys,/usr/lib/hsm.so fleet S1 01 pair,changed,bits,1024,4096',
      '2026-01-02T10:00:00.000Z,web1,sites,www 443,removed,,,', '',
    ].join('\n'));
  });

  it('can be narrowed, and come whole as JSON', async () => {
    await tellChanges({ from: '2026-01-02', format: 'json', host: ['web1'], kind: ['sites'] });
    expect(JSON.parse(printed)).toMatchObject([{ host: 'web1', kind: 'sites', change: 'removed', before: { name: 'www', port: 443 }, after: null }]);
  });

  it('are none, and that is said', async () => {
    await tellChanges({ from: '2026-01-03', to: '2026-01-04', format: 'json' });
    expect(printed).toBe('[]\nno inventory saw anything change from 2026-01-03T00:00:00.000Z to 2026-01-04T23:59:59.999Z\n');
  });

  it.each([
    [{ from: 'yesterday' }, /--from wants a date or a time, not "yesterday"/], [{ from: '2026-01-03', to: '2026-01-02' }, /--from .* is not before --to/],
    [{ from: '2026-01-01', kind: ['key'] }, /--kind names no view: "key"/],
  ])('%j is refused', async (options, message) => {
    await expect(tellChanges({ format: 'table', ...options })).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) as unknown });
  });
});
