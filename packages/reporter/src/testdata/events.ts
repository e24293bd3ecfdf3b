import { countEvent, exitCodeOf, type Counts, type EventBody, type RunEvent, type TaskFinished } from '@hsmfleet/contract';

/** Stamps bodies as the runner and the agents do, and ends the run with counts made from the events. */
export function recordRun(bodies: readonly [host: string, body: EventBody][]): RunEvent[] {
  const seqs = new Map<string, number>();
  const counts: Record<string, Counts> = {};
  const events = bodies.map(([host, body], index) => {
    const seq = seqs.get(host) ?? 0;
    seqs.set(host, seq + 1);
    const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, index)).toISOString();
    const event = { seq, at, run: 'run-00000001', host, ...body } as RunEvent;
    countEvent(counts, event);
    return event;
  });
  const last: RunEvent = {
    seq: seqs.get('') ?? 0, at: '2026-01-02T03:05:00.000Z', run: 'run-00000001', host: '', type: 'run_finished', counts,
    exitCode: exitCodeOf(counts), durationMs: 1_234,
  };
  return [...events, last];
}

/** A finished task as an agent reports it. */
export function task(index: number, name: string, outcome: TaskFinished['outcome'], more: Partial<TaskFinished> = {}): EventBody {
  return {
    type: 'task_finished', task: `0.t${String(index)}`, name, resource: 'file', handler: false, outcome, ignored: false,
    durationMs: 3, changes: [], warnings: [], diffs: [], ...more,
  };
}

const position = { file: 'site.yml', line: 12, column: 7 };

/** Four hosts: one converges, one changes, two fail alike; a fifth cannot be reached. Results come interleaved. */
export const MIXED_RUN: RunEvent[] = recordRun([
  ['', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: ['t1', 't2', 't3', 't4', 't5'], version: '0.1.0' }],
  ['', { type: 'play_started', play: 0, name: 'token-backed TLS', hosts: ['t1', 't2', 't3', 't4', 't5'], tasks: 3 }],
  ['', { type: 'batch_started', play: 0, batch: 0, of: 1, hosts: ['t1', 't2', 't3', 't4', 't5'] }],
  ['t2', { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: ['agent', 'runtime'] }],
  ['t1', { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] }],
  ['t2', { type: 'task_started', task: '0.t0', name: 'packages', resource: 'package', handler: false }],
  ['t2', task(0, 'packages', 'ok', { resource: 'package', result: { changed: false } })],
  ['t3', task(0, 'packages', 'ok', { resource: 'package' })],
  ['t4', task(0, 'packages', 'ok', { resource: 'package' })],
  ['t2', task(1, 'pin file', 'changed', {
    position, changes: ['write /etc/apache2/fleet/pins', 'mode 0644 -> 0640'], result: { changed: true, path: '/etc/apache2/fleet/pins' },
    diffs: [
      { path: '/etc/apache2/fleet/pins', note: 'holds a secret: contents not shown' },
      { path: '/etc/motd', unified: '--- /etc/motd\n+++ /etc/motd\n@@ -1 +1 @@\n-old\n+new\n' },
    ],
  })],
  ['t5', { type: 'host_unreachable', error: { code: 'HOST_KEY_UNKNOWN', message: 'the host key of t5 is not in known_hosts', hint: 'ssh-keyscan t5 >> ~/.ssh/known_hosts', host: 't5' } }],
  ['t1', task(0, 'packages', 'ok', { resource: 'package', result: { changed: false } })],
  ['t1', task(1, 'pin file', 'ok', { warnings: ['the file is readable by its group'] })],
  ['t4', task(1, 'pin file', 'refused', { error: { code: 'MODULE_WRITABLE', message: '/usr/lib/hsm.so is not proven read-only', hint: 'install version 2.9, or write read_only: false' }, position })],
  ['t4', { type: 'host_finished', play: 0, status: 'refused', error: { code: 'MODULE_WRITABLE', message: '/usr/lib/hsm.so is not proven read-only' } }],
  ['t3', task(1, 'pin file', 'refused', { error: { code: 'MODULE_WRITABLE', message: '/usr/lib/hsm.so is not proven read-only', hint: 'install version 2.9, or write read_only: false' }, position })],
  ['t3', { type: 'host_finished', play: 0, status: 'refused', error: { code: 'MODULE_WRITABLE', message: '/usr/lib/hsm.so is not proven read-only' } }],
  ['t1', task(2, 'say', 'ok', { resource: 'debug', message: 'serving from fleet' })],
  ['t2', { type: 'item_finished', task: '0.t2', item: { port: 443 }, outcome: 'failed', changes: [], error: { code: 'TASK_FAILED', message: 'port 443 is closed' } }],
  ['t2', task(2, 'say', 'failed', { resource: 'wait_for', ignored: true, error: { code: 'TASK_FAILED', message: 'port 443 is closed' }, position })],
  ['t1', task(3, 'only on Fedora', 'skipped', { message: "ansible_distribution == 'Fedora' does not hold" })],
  ['t2', task(3, 'only on Fedora', 'skipped', { message: "ansible_distribution == 'Fedora' does not hold" })],
  ['t1', { type: 'host_finished', play: 0, status: 'ok' }],
  ['t2', task(4, 'restart apache', 'changed', { task: '0.h0', handler: true, resource: 'service', changes: ['restart apache2'] })],
  ['t2', { type: 'host_finished', play: 0, status: 'ok' }],
]);
