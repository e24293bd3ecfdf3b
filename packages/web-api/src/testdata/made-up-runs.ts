import type { BenchmarkPoint, RunEvent } from '@hsmfleet/contract';
import type { RunDetail, RunHost, RunSummary, TaskRow } from '../schemas/index.ts';
import type { PositionedEvent } from '../data-port.ts';
import { hostName } from './made-up-fleet.ts';

const DIFF = `--- /etc/apache2/mods-enabled/nss.conf
+++ /etc/apache2/mods-enabled/nss.conf
@@ -12,7 +12,7 @@
 NSSEngine on
-NSSProtocol TLSv1.0,TLSv1.1,TLSv1.2
+NSSProtocol TLSv1.2,TLSv1.3
 NSSNickname "token-0001:shop"
`;

const TASKS: readonly { name: string; resource: string; changes: string[] }[] = [
  { name: 'PKCS#11 module', resource: 'package', changes: [] },
  { name: 'token is the one prepared', resource: 'token_facts', changes: [] },
  { name: 'module in the NSS database', resource: 'nss_module', changes: [] },
  { name: 'PIN file', resource: 'pin_file', changes: [] },
  { name: 'TLS settings', resource: 'tls_site', changes: ['write /etc/apache2/mods-enabled/nss.conf', 'restart apache2 and prove the served key'] },
];

/** Runs of the last weeks, the newest first; the newest one still goes on. */
export function madeUpRuns(hosts: number, now: number, count: number): RunSummary[] {
  return Array.from({ length: count }, (_, index) => {
    const started = now - (index === 0 ? 20_000 : index * 7 * 3_600_000);
    const size = Math.min(hosts, index % 3 === 0 ? 24 : hosts);
    return {
      id: `run-${String(index).padStart(2, '0')}`, playbook: index % 3 === 0 ? 'playbooks/site.yml' : 'playbooks/inventory.yml', user: index % 2 === 0 ? 'anna' : 'nightly',
      check: index % 4 === 2, startedAt: new Date(started).toISOString(), finishedAt: index === 0 ? null : new Date(started + 41_000 + index * 900).toISOString(),
      exitCode: index === 0 ? null : index % 5 === 3 ? 2 : 0, hosts: size, changed: index % 3 === 0 ? size : 0, failed: index % 5 === 3 ? 2 : 0,
    };
  });
}

/** A run by host. */
export function madeUpRun(run: RunSummary): RunDetail {
  const hosts = Array.from({ length: run.hosts }, (_, n) => madeUpRunHost(run, n));
  const live = run.finishedAt === null;
  return { run, version: '0.1.0', durationMs: live ? null : Date.parse(run.finishedAt ?? '') - Date.parse(run.startedAt), live, hosts };
}

function madeUpRunHost(run: RunSummary, n: number): RunHost {
  const live = run.finishedAt === null;
  const broken = !live && n < run.failed;
  const changed = run.changed > 0 ? 1 : 0;
  return {
    host: hostName(n), status: live ? 'running' : broken ? (n === 0 ? 'unreachable' : 'failed') : 'ok',
    error: broken ? (n === 0 ? 'no connection to the host (UNREACHABLE)' : 'the web server did not serve; rolled back (WEB_ROLLED_BACK)') : null,
    ok: broken ? 3 : 5, changed, skipped: 0, failed: broken && n > 0 ? 1 : 0, refused: 0, ignored: 0, lastEventAt: run.finishedAt ?? run.startedAt,
  };
}

/** Tasks of a run on a host. */
export function madeUpTasks(run: RunSummary): TaskRow[] {
  return TASKS.map((task, index) => ({
    task: `0.t.${String(index)}`, name: task.name, resource: task.resource, handler: false, outcome: task.changes.length > 0 && run.changed > 0 ? 'changed' : 'ok', ignored: false,
    at: run.finishedAt ?? run.startedAt, durationMs: 12 + index * 40, changes: run.changed > 0 ? task.changes : [],
    diffs: task.changes.length > 0 && run.changed > 0 ? [{ path: '/etc/apache2/mods-enabled/nss.conf', unified: DIFF }] : [],
    message: null, error: null, position: { file: run.playbook, line: 8 + index * 6, column: 7 },
  }));
}

/** All events of a run; those of a live run come one after another, over and over once `elapsedMs` has passed them. */
export function madeUpEvents(run: RunSummary, elapsedMs: number): PositionedEvent[] {
  const hosts = Array.from({ length: run.hosts }, (_, n) => hostName(n));
  const start = Date.parse(run.startedAt);
  const events: RunEvent[] = [];
  let ms = 0;
  const stamp = (host: string) => ({ seq: events.length, at: new Date(start + ms).toISOString(), run: run.id, host });
  events.push({ ...stamp(''), type: 'run_started', playbook: run.playbook, user: run.user, check: run.check, hosts, version: '0.1.0' });
  events.push({ ...stamp(''), type: 'play_started', play: 0, name: 'webservers', hosts, tasks: TASKS.length });
  for (const host of hosts) {
    events.push({ ...stamp(host), type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] });
    for (const [index, task] of TASKS.entries()) {
      const id = `0.t.${String(index)}`;
      events.push({ ...stamp(host), type: 'task_started', task: id, name: task.name, resource: task.resource, handler: false });
      ms += 900;
      events.push({
        ...stamp(host), type: 'task_finished', task: id, name: task.name, resource: task.resource, handler: false, ignored: false,
        outcome: task.changes.length > 0 ? 'changed' : 'ok', durationMs: 900, changes: task.changes, warnings: [],
        diffs: task.changes.length > 0 ? [{ path: '/etc/apache2/mods-enabled/nss.conf', unified: DIFF }] : [],
      });
    }
    events.push({ ...stamp(host), type: 'host_finished', play: 0, status: 'ok' });
  }
  events.push({ ...stamp(''), type: 'run_finished', counts: {}, exitCode: 0, durationMs: ms });
  return events
    .map((event, index) => ({ position: String(index + 1), event }))
    .filter(({ event }) => run.finishedAt !== null || Date.parse(event.at) - start <= elapsedMs);
}

/** A benchmark of two kinds of keys at rising concurrency. */
export function madeUpBenchmarks(now: number): BenchmarkPoint[] {
  const host = hostName(0);
  const keys = [
    { label: 'shop', type: 'ec', bits: 256, curve: 'prime256v1', rate: 21 },
    { label: 'api', type: 'rsa', bits: 2048, curve: null, rate: 6 },
  ];
  return keys.flatMap(({ rate: best, ...key }, index) => [1, 2, 5, 10, 20, 40].map((concurrency, step): BenchmarkPoint => {
    const rate = best * (1 - Math.exp(-concurrency / 2));
    return {
      kind: 'siege', at: new Date(now - 3 * 86_400_000 + (index * 6 + step) * 40_000).toISOString(), host, driver: 'webserver', tool: 'siege 4.0.7', site: `${key.label}.example.org`, port: 443,
      path: '/', engine: 'mod_nss', mpm: 'prefork', processes: null, tlsProtocol: 'TLSv1.3', module: null, token: 'token-0001', key: { fingerprint: null, ...key }, concurrency, delayS: 0,
      seconds: 30, resumption: 'full', outcome: 'measured', problem: null, transactions: Math.round(rate * 30), successful: Math.round(rate * 30), failed: 0, availability: 100, elapsedS: 30,
      dataMB: 0.3, responseS: concurrency / rate, rate, throughput: 0.01, reachedConcurrency: concurrency * 0.98, longestS: (concurrency / rate) * 2, shortestS: 0.05, resumedShare: 0,
    };
  }));
}
