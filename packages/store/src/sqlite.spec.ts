import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './store.ts';
import { sampleRun } from './testkit/samples.ts';
import { wholeSuite } from './testkit/suite/index.ts';

describe('a store in SQLite', () => {
  wholeSuite('sqlite');
});

describe('the file', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'hsmfleet-store-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('is readable by its owner only, side files included', async () => {
    const path = join(folder, 'state', 'hsmfleet.db');
    const store = await openStore(path);
    for (const event of sampleRun('run-00000001', 1, 1)) store.appendEvent(event);
    await store.flush();
    expect([path, `${path}-wal`].map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
    await store.close();
  });

  it('that is no database is refused by name', async () => {
    const other = join(folder, 'other.db');
    writeFileSync(other, 'this is some text, and no database at all. '.repeat(40));
    await expect(openStore(other)).rejects.toThrow(`cannot open the history database ${other}: file is not a database`);
  });
});
