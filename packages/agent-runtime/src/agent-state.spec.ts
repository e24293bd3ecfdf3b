import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeAgentState } from './agent-state.ts';
import { Journal } from './journal.ts';
import { ownIdentity } from './process-identity.ts';

let state: string;
beforeEach(() => { state = mkdtempSync(join(tmpdir(), 'hsmfleet-state-')); });
afterEach(() => { rmSync(state, { recursive: true, force: true }); });

const asked = () => describeAgentState({ stateDir: state, run: 'run-now', version: '1.2.3' });
const meta = (run: string, started: string, more: object) => {
  mkdirSync(join(state, 'runs', run), { recursive: true });
  writeFileSync(join(state, 'runs', run, 'meta.json'), JSON.stringify({ run, user: 'ann', started, process: ownIdentity(), ...more }));
};

test('an empty directory: its mode, and nothing else to tell', () => {
  expect(asked()).toEqual({
    version: '1.2.3', node: process.version, stateDir: state, stateMode: '0700', stateUid: process.getuid?.(), stateBytes: 0, staleLock: null, lastRun: null,
  });
});

test('bytes of all files, at any depth', () => {
  mkdirSync(join(state, 'a/b'), { recursive: true });
  writeFileSync(join(state, 'a/b/c'), 'x'.repeat(1_000));
  writeFileSync(join(state, 'd'), 'x'.repeat(24));
  expect(asked().stateBytes).toBe(1_024);
});

test('too many files are not counted', () => {
  mkdirSync(join(state, 'many'));
  for (let at = 0; at < 5_001; at += 1) writeFileSync(join(state, 'many', String(at)), '');
  expect(asked().stateBytes).toBeNull();
});

test('the newest run but this one, and whether it was cut short', () => {
  new Journal(state, 'run-now', 'h1').close();
  meta('run-1', '2026-01-02T00:00:00.000Z', { status: 'ok', finished: '2026-01-02T00:00:05.000Z' });
  meta('run-2', '2026-01-01T00:00:00.000Z', { status: 'failed', finished: '2026-01-01T00:00:05.000Z' });
  expect(asked().lastRun).toEqual({ run: 'run-1', startedAt: '2026-01-02T00:00:00.000Z', finishedAt: '2026-01-02T00:00:05.000Z', status: 'ok' });
  meta('run-3', '2026-01-03T00:00:00.000Z', { status: 'running', process: { ...ownIdentity(), startTime: '1' } });
  expect(asked().lastRun).toMatchObject({ run: 'run-3', finishedAt: null, status: 'interrupted' });
  meta('run-4', '2026-01-04T00:00:00.000Z', { status: 'running' });
  expect(asked().lastRun?.status).toBe('running');
});

test('a directory that is not there', () => {
  rmSync(state, { recursive: true });
  expect(asked()).toMatchObject({ stateMode: null, stateBytes: 0, lastRun: null });
  mkdirSync(state);
});
