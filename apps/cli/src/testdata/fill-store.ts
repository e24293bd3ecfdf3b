import type { CheckOutcome, CheckReport } from '@hsmfleet/contract';
import type { Store } from '@hsmfleet/store';
import { finished, sampleCheck, sampleReport, sampleResult, stamp } from '@hsmfleet/store/testkit';

const HOUR = 3_600_000;
const DIFF = { path: '/etc/x', unified: '--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-old\n+new\n' };

/** Name of the n-th host. */
export function hostName(n: number): string {
  return `web${String(n + 1).padStart(4, '0')}`;
}

/** What control `c` says of host `n`: of a hundred results about two fail, one each is waived, unreachable and not applicable. */
export function outcomeOf(n: number, c: number): CheckOutcome {
  const mark = (n * 31 + c * 17) % 100;
  return mark < 2 ? 'fail' : mark === 2 ? 'waived' : mark === 3 ? 'unreachable' : mark === 4 ? 'not_applicable' : mark === 5 ? 'error' : 'pass';
}

/** A check by the schedule `nightly` of `controls` controls on every host. */
export function fleetCheck(id: string, at: Date, hosts: number, controls: number): CheckReport {
  const results = Array.from({ length: hosts * controls }, (_, index) => {
    const [n, c] = [Math.floor(index / controls), index % controls];
    return sampleResult(`control-${String(c)}`, hostName(n), outcomeOf(n, c));
  });
  return sampleCheck(id, at.toISOString(), results);
}

/** Fills a store: an inventory of every host, two runs of all of them (one still goes on) and two checks. */
export async function fillStore(store: Store, hosts: number, controls: number, now: Date): Promise<void> {
  const names = Array.from({ length: hosts }, (_, n) => hostName(n));
  const ago = (ms: number): string => new Date(now.getTime() - ms).toISOString();
  const old = stamp('run-1', ago(2 * HOUR));
  store.appendEvent(old('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: names, version: '0.1.0' }));
  for (const [n, name] of names.entries()) {
    store.appendEvent(old(name, { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] }));
    store.appendEvent(old(name, finished('a file', n === 0 ? 'changed' : 'ok', n === 0 ? { diffs: [DIFF] } : {})));
    const fingerprint = n.toString(16).padStart(64, '0');
    const report = sampleReport(name, ago(HOUR + n));
    const [module] = report.modules;
    const [token] = module?.tokens ?? [];
    const [key] = token?.keys ?? [];
    const [certificate] = token?.certificates ?? [];
    const [site] = report.sites;
    if (key !== undefined) key.fingerprint = fingerprint;
    if (certificate !== undefined) {
      certificate.keyFingerprint = fingerprint;
      certificate.notAfter = new Date(now.getTime() + (n % 400 - 5) * 24 * HOUR + HOUR).toISOString();
    }
    if (site !== undefined) site.servedKeyFingerprint = fingerprint;
    store.appendEvent(old(name, { type: 'inventory', report }));
    store.appendEvent(old(name, { type: 'host_finished', play: 0, status: 'ok' }));
  }
  store.appendEvent(old('', { type: 'run_finished', counts: {}, exitCode: 0, durationMs: 9_000 }));
  const live = stamp('run-2', ago(60_000));
  store.appendEvent(live('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: true, hosts: names.slice(0, 3), version: '0.1.0' }));
  for (const name of names.slice(0, 3)) store.appendEvent(live(name, { type: 'host_started', agent: '0.1.0', node: 'v24.21.0', uploaded: [] }));
  await store.flush();
  await store.recordCheck(fleetCheck('check-1', new Date(now.getTime() - 24 * HOUR), hosts, Math.min(controls, 3)), [], []);
  await store.recordCheck(fleetCheck('check-2', new Date(now.getTime() - HOUR), hosts, controls), [], []);
}
