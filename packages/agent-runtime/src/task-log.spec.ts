import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TaskLog } from './task-log.ts';

let state: string;
const RUN = '20260102-030405-1a2b3c';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'hsmfleet-task-log-'));
  mkdirSync(join(state, 'runs', RUN), { recursive: true });
});
afterEach(() => { rmSync(state, { recursive: true }); });

test('a later agent knows what ended, what was cut off, and what is still to begin', () => {
  const first = new TaskLog(state, RUN, 0);
  first.begin('0.t0');
  first.end({ task: '0.t0', end: { stop: undefined, notified: ['late'] }, vars: { kept: { rc: 0 } } });
  first.begin('0.t1');
  first.close();
  // its writer was killed in the middle of a line
  appendFileSync(join(state, 'runs', RUN, 'tasks-0.ndjson'), '{"task":"0.t1","en');
  const second = new TaskLog(state, RUN, 0);
  expect(second.recall('0.t0')).toMatchObject({ end: { notified: ['late'] }, vars: { kept: { rc: 0 } } });
  expect([second.wasCutOff('0.t0'), second.wasCutOff('0.t1'), second.wasCutOff('0.t2')]).toEqual([false, true, false]);
  second.end({ task: '0.t1', end: { stop: undefined, notified: [] }, vars: {} });
  second.close();
  const third = new TaskLog(state, RUN, 0);
  expect([third.recall('0.t1')?.task, third.wasCutOff('0.t1')]).toEqual(['0.t1', false]);
  third.close();
});

test('what ended before changes of the web server were put back is looked at again', () => {
  const log = new TaskLog(state, RUN, 0);
  log.end({ task: '0.t0', end: { stop: undefined, notified: [] }, vars: {} });
  log.putBack();
  log.end({ task: '0.t1', end: { stop: undefined, notified: [] }, vars: {} });
  log.close();
  const later = new TaskLog(state, RUN, 0);
  expect([later.isDoubtful('0.t0'), later.isDoubtful('0.t1')]).toEqual([true, false]);
  later.close();
});
