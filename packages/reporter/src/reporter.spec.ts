import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventBody, RunEvent } from '@hsmfleet/contract';
import { createReporter, type ReporterOptions } from './reporter.ts';
import { MIXED_RUN, recordRun, task } from './testdata/events.ts';

/** Feeds events and answers what was written. */
function report(events: readonly RunEvent[], options: Partial<ReporterOptions> = {}): { stdout: string; stderr: string } {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const reporter = createReporter({ format: 'plain', color: false, verbosity: 0, diff: false, ...streams, ...options });
  for (const event of events) reporter.event(event);
  reporter.finish();
  return { stdout: String(streams.stdout.read() ?? ''), stderr: String(streams.stderr.read() ?? '') };
}

describe('plain output', () => {
  it.each([
    ['plain', {}],
    ['plain-verbose-diff', { verbosity: 1, diff: true }],
    ['plain-colour-diff', { color: true, diff: true }],
  ] as const)('%s', async (name, options) => {
    const { stdout, stderr } = report(MIXED_RUN, options);
    await expect(stdout).toMatchFileSnapshot(`testdata/${name}.txt`);
    expect(stderr).toBe('');
  });

  it('shows what would change in check mode without -v', () => {
    const events = recordRun([
      ['', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: true, hosts: ['t1'], version: '0.1.0' }],
      ['', { type: 'play_started', play: 0, name: 'site', hosts: ['t1'], tasks: 1 }],
      ['t1', task(0, 'pin file', 'changed', { changes: ['mode 0644 -> 0640'] })],
    ]);
    expect(report(events).stdout).toContain('changed: [t1]\n  - mode 0644 -> 0640\n');
  });

  it('shows what debug says of every item of a loop, and of other resources only failed items', () => {
    const item = (value: string, more: object): [string, EventBody] => ['t1', { type: 'item_finished', task: '0.t0', item: value, outcome: 'ok', changes: [], ...more }];
    const run = (resource: string): string => report(recordRun([
      ['', { type: 'play_started', play: 0, name: 'site', hosts: ['t1'], tasks: 1 }],
      item('a', { message: 'says a' }), item('b', { outcome: 'skipped', message: 'the condition is false' }), item('c', { outcome: 'failed', message: 'says c' }),
      ['t1', { ...task(0, 'loop', 'ok'), resource } as EventBody],
    ])).stdout;
    expect(run('debug')).toContain('ok: [t1]\n  ok: (item="a") => says a\n  failed: (item="c") => says c\n');
    expect(run('command')).toContain('ok: [t1]\n  failed: (item="c") => says c\n');
  });

  it('takes the tasks of the next batch for new ones', () => {
    const batch = (number: number, host: string): [string, EventBody][] => [
      ['', { type: 'batch_started', play: 0, batch: number, of: 2, hosts: [host] }], [host, task(0, 'step', 'ok')], [host, { type: 'host_finished', play: 0, status: 'ok' }],
    ];
    const { stdout } = report(recordRun([['', { type: 'play_started', play: 0, name: 'site', hosts: ['t1', 't2'], tasks: 1 }], ...batch(0, 't1'), ...batch(1, 't2')]));
    expect(stdout).toMatch(/batch 1 of 2: t1\n\nTASK \[step\] \*+\nok: \[t1\]\n\nbatch 2 of 2: t2\n\nTASK \[step\] \*+\nok: \[t2\]\n/);
  });

  it('tells why a host ended outside any task, alike hosts together', () => {
    const error = { code: 'HOST_BUSY', message: 'host is busy: run r1 by otto', hint: 'wait for it' };
    const events = recordRun([
      ['', { type: 'play_started', play: 0, name: 'site', hosts: ['t1', 't2'], tasks: 1 }],
      ['t1', { type: 'host_finished', play: 0, status: 'refused', error }],
      ['t2', { type: 'host_finished', play: 0, status: 'refused', error }],
    ]);
    expect(report(events).stdout).toContain('refused: [t1] [t2] (2 hosts)\n  error: host is busy: run r1 by otto\n    hint: wait for it\n');
  });

  it('does not hold results back for ever when one host is slow', async () => {
    const stdout = new PassThrough();
    const reporter = createReporter({ format: 'plain', color: false, verbosity: 0, diff: false, stdout, stderr: new PassThrough() });
    const [play, early, late] = recordRun([
      ['', { type: 'play_started', play: 0, name: 'site', hosts: ['t1', 't2'], tasks: 1 }],
      ['t1', task(0, 'slow', 'ok')],
      ['t2', task(0, 'slow', 'ok')],
    ]) as [RunEvent, RunEvent, RunEvent];
    reporter.event(play);
    reporter.event(early);
    expect(String(stdout.read())).not.toContain('TASK [slow]');
    await expect.poll(() => String(stdout.read() ?? ''), { timeout: 6_000 }).toMatch(/TASK \[slow\] \*+\nok: \[t1\]\n/);
    reporter.event(late);
    expect(String(stdout.read())).toMatch(/TASK \[slow\] \(continued\) \*+\nok: \[t2\]\n/);
    reporter.finish();
  });
});

describe('NDJSON', () => {
  it('is the events, one a line, unchanged', () => {
    const lines = report(MIXED_RUN, { format: 'ndjson' }).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(MIXED_RUN);
  });
});

describe('text of hosts', () => {
  const hostile = fc.string({ unit: 'binary' }).map((text) => `\u001b]0;x\u0007${text}\u009b2J\u202e\r`);
  // what a terminal may act on; our own line ends are allowed
  const unsafe = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

  it('never reaches a terminal with control characters', () => {
    fc.assert(fc.property(hostile, (text) => {
      const error = { code: 'TASK_FAILED', message: text, hint: text, position: { file: text, line: 1, column: 1 } };
      const events = recordRun([
        ['', { type: 'play_started', play: 0, name: text, hosts: [text], tasks: 1 }],
        [text, { type: 'host_started', agent: text, node: text, uploaded: [text] }],
        [text, { type: 'warning', message: text }],
        [text, { type: 'item_finished', task: '0.t0', item: text, outcome: 'failed', changes: [], message: text, error }],
        [text, task(0, text, 'failed', { resource: text, changes: [text], warnings: [text], message: text, error, result: { [text]: text } })],
        [text, task(1, text, 'changed', { resource: 'debug', changes: [text], message: text, diffs: [{ path: text, note: text, unified: `+${text}` }] })],
        [text, { type: 'host_unreachable', error }],
        ['', { type: 'play_stopped', play: 0, reason: text }],
      ]);
      const plain = report(events, { verbosity: 2, diff: true }).stdout.replaceAll('\t', ' ');
      expect(plain).not.toMatch(unsafe);
      const json = report(events, { format: 'ndjson' }).stdout;
      expect(json).not.toMatch(unsafe);
      expect(JSON.parse(json.split('\n')[1] ?? '')).toMatchObject({ agent: text });
    }), { numRuns: 60 });
  });
});

describe('live output', () => {
  it('keeps a bounded number of lines, redraws at most ten times a second, and leaves nothing behind', () => {
    const hosts = Array.from({ length: 40 }, (_, index) => `web${String(index)}`);
    const bodies: [string, EventBody][] = [
      ['', { type: 'play_started', play: 0, name: 'site', hosts, tasks: 50 }],
      ['', { type: 'batch_started', play: 0, batch: 0, of: 1, hosts }],
    ];
    for (const host of hosts) bodies.push([host, { type: 'host_started', agent: '0.1.0', node: 'v24', uploaded: [] }]);
    for (let index = 0; index < 50; index += 1) {
      for (const host of hosts) bodies.push([host, task(index, `task ${String(index)}`, 'ok')]);
    }
    const events = recordRun(bodies);
    const stderr = Object.assign(new PassThrough(), { columns: 60, rows: 10, isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const before = performance.now();
    report(events, { format: 'live', stdout, stderr });
    const seconds = (performance.now() - before) / 1_000;
    const drawn = String(stderr.read());
    const frames = drawn.split(' hosts done').length - 1;
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThanOrEqual(2 + seconds * 10);
    // quiet results are not printed, so frames are the only thing on the terminal: at most rows - 3 lines each
    expect(drawn.split('\n').length).toBeLessThanOrEqual(frames * 7 + 3);
    expect(String(stdout.read())).not.toContain('TASK');
  });

  it('prints failures above the progress and the recap after it', () => {
    const stderr = Object.assign(new PassThrough(), { columns: 100, rows: 24, isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    report(MIXED_RUN, { format: 'live', stdout, stderr });
    const text = String(stdout.read());
    expect(text).toContain('refused: [t3] [t4] (2 hosts)\n  error: /usr/lib/hsm.so is not proven read-only');
    expect(text).not.toContain('ok: [t3]');
    expect(text.trimEnd()).toMatch(/PLAY RECAP \*+\nt1 {25}: ok=3 [^]*\nt5 .*unreachable=1/);
  });
});
