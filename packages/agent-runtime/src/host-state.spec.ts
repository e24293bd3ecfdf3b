import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BlobStore } from './blob-store.ts';
import { acquireHostLock } from './host-lock.ts';
import { Journal, readRunMeta } from './journal.ts';
import { isAlive, ownIdentity } from './process-identity.ts';
import { pruneState } from './prune-state.ts';

let state: string;
beforeEach(() => { state = mkdtempSync(join(tmpdir(), 'hsmfleet-state-')); });
afterEach(() => rmSync(state, { recursive: true, force: true }));

describe('the lock', () => {
  const stale = (change: object) =>
    writeFileSync(join(state, 'lock'), JSON.stringify({ ...ownIdentity(), run: 'old', user: 'x', since: 'then', ...change }));

  test('is held until it is released, and leaves no draft behind', () => {
    const first = acquireHostLock(state, 'run-1', 'ann');
    expect(first).not.toHaveProperty('replaced');
    const second = acquireHostLock(state, 'run-2', 'bob');
    expect(second).toMatchObject({ held: false, owner: { run: 'run-1', user: 'ann', pid: process.pid } });
    if (first.held) first.release();
    expect(acquireHostLock(state, 'run-2', 'bob').held).toBe(true);
    expect(readdirSync(state)).toEqual(['lock']);
  });

  test.each([
    ['the process is gone', { pid: 2 ** 22 + 1 }],
    ['its number belongs to another process now', { startTime: '1' }],
    ['the machine was booted since', { boot: 'another' }],
  ])('is taken over when %s', (_, change) => {
    stale(change);
    expect(acquireHostLock(state, 'run-2', 'bob')).toMatchObject({ held: true, replaced: { run: 'old', user: 'x', since: 'then' } });
    expect(readdirSync(state)).toEqual(['lock']);
  });

  test('of something unreadable is taken over', () => {
    writeFileSync(join(state, 'lock'), '{"pid":');
    expect(acquireHostLock(state, 'run-2', 'bob')).toMatchObject({ held: true, replaced: { run: 'unknown' } });
  });

  test('is not released by who no longer holds it', () => {
    const lock = acquireHostLock(state, 'run-1', 'ann');
    stale({ run: 'thief' });
    if (lock.held) lock.release();
    expect(readFileSync(join(state, 'lock'), 'utf8')).toContain('thief');
  });

  test('this process is alive, and no process is with another start time', () => {
    expect([isAlive(ownIdentity()), isAlive({ ...ownIdentity(), startTime: '1' })]).toEqual([true, false]);
  });
});

describe('the journal', () => {
  const path = () => join(state, 'runs', 'run-1', 'journal.ndjson');

  test('goes on counting where an earlier process stopped, also after a line cut short', () => {
    const first = new Journal(state, 'run-1', 'h1');
    first.begin({ index: 0, name: 'p' }, 'ann', false);
    first.append({ type: 'warning', message: 'one' });
    first.append({ type: 'warning', message: 'two' });
    first.end('ok');
    first.close();
    writeFileSync(path(), '{"seq":2,"at":"20', { flag: 'a' });
    const second = new Journal(state, 'run-1', 'h1');
    expect(second.append({ type: 'warning', message: 'three' }).seq).toBe(2);
    second.close();
    const lines = readFileSync(path(), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([{ seq: 0, run: 'run-1', host: 'h1' }, { seq: 1 }, { seq: 2, message: 'three' }]);
    expect(readRunMeta(state, 'run-1')).toMatchObject({ status: 'ok', user: 'ann', play: { index: 0, name: 'p' }, process: { pid: process.pid } });
  });

  test('knows no run that never was', () => {
    expect(readRunMeta(state, 'run-9')).toBeUndefined();
  });
});

describe('blobs', () => {
  const bytes = Buffer.from('some bytes');
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  test('appear whole under their name', () => {
    const blobs = new BlobStore(state);
    const receiver = blobs.receive(sha256, bytes.length);
    expect(receiver.push(bytes.subarray(0, 3))).toBe(false);
    expect(existsSync(blobs.path(sha256))).toBe(false);
    expect(receiver.push(bytes.subarray(3))).toBe(true);
    expect(readFileSync(blobs.path(sha256))).toEqual(bytes);
  });

  test.each([
    ['other bytes', Buffer.from('some bytEs'), 'another hash'],
    ['too many bytes', Buffer.from('some bytes and more'), 'more bytes'],
  ])('are refused for %s, and nothing stays', (_, wrong, why) => {
    const blobs = new BlobStore(state);
    expect(() => blobs.receive(sha256, bytes.length).push(wrong)).toThrow(why);
    expect(readdirSync(join(state, 'blobs'))).toEqual([]);
  });

  test('that are too large are refused at once', () => {
    expect(() => new BlobStore(state).receive(sha256, 2 ** 40)).toThrow('over the limit');
  });
});

test('pruning keeps the newest runs and the blobs used last', () => {
  for (const folder of ['runs', 'blobs']) mkdirSync(join(state, folder));
  for (let age = 1; age <= 5; age += 1) {
    const run = join(state, 'runs', `run-${String(age)}`);
    mkdirSync(run);
    writeFileSync(join(run, 'journal.ndjson'), 'x');
    const blob = join(state, 'blobs', String(age).repeat(64));
    writeFileSync(blob, 'x'.repeat(100));
    const time = new Date(Date.now() - age * 60_000);
    for (const path of [run, blob]) utimesSync(path, time, time);
  }
  pruneState(state, { runs: 2, blobBytes: 300 });
  expect(readdirSync(join(state, 'runs'))).toEqual(['run-1', 'run-2']);
  expect(readdirSync(join(state, 'blobs')).map((name) => name[0])).toEqual(['1', '2', '3']);
});
