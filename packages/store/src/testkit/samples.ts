import type { EventBody, InventoryReport, RunEvent } from '@hsmfleet/contract';

/** Stamps bodies as the runner and the agents do: numbers count up per host. */
export function stamp(run: string, at = '2026-01-02T03:04:05.000Z'): (host: string, body: EventBody) => RunEvent {
  const seqs = new Map<string, number>();
  return (host, body) => {
    const seq = seqs.get(host) ?? 0;
    seqs.set(host, seq + 1);
    return { seq, at, run, host, ...body } as RunEvent;
  };
}

/** A finished task as an agent reports it. */
export function finished(name: string, outcome: 'ok' | 'changed' | 'failed', more: object = {}): EventBody {
  return {
    type: 'task_finished', task: '0.t0', name, resource: 'file', handler: false, outcome, ignored: false, durationMs: 2,
    changes: outcome === 'changed' ? ['write /etc/x'] : [], warnings: [], diffs: [], ...more,
  };
}

/** All events of a run of `tasks` converged tasks on `hosts` hosts. */
export function sampleRun(run: string, hosts: number, tasks: number): RunEvent[] {
  const event = stamp(run);
  const names = Array.from({ length: hosts }, (_, index) => `web${String(index + 1)}`);
  const events = [
    event('', { type: 'run_started', playbook: 'site.yml', user: 'anna', check: false, hosts: names, version: '0.1.0' }),
    event('', { type: 'play_started', play: 0, name: 'site', hosts: names, tasks }),
  ];
  for (const name of names) events.push(event(name, { type: 'host_started', agent: '0.1.0', node: 'v24.0.0', uploaded: [] }));
  for (let task = 0; task < tasks; task += 1) {
    for (const name of names) {
      const id = `0.t${String(task)}`;
      events.push(event(name, { type: 'task_started', task: id, name: `task ${String(task)}`, resource: 'file', handler: false }));
      events.push(event(name, finished(`task ${String(task)}`, 'ok', { task: id, result: { changed: false, path: '/etc/x', mode: '0644' } })));
    }
  }
  for (const name of names) events.push(event(name, { type: 'host_finished', play: 0, status: 'ok' }));
  events.push(event('', { type: 'run_finished', counts: {}, exitCode: 0, durationMs: 1_000 }));
  return events;
}

/** A report with one read-only module, one token, an RSA key with its certificate, a database and a site. */
export function sampleReport(host: string, at: string, more: Partial<InventoryReport> = {}): InventoryReport {
  const fingerprint = 'ab'.repeat(32);
  return {
    host, at, disturbed: false, evidence: 'live', errors: [],
    modules: [{
      path: '/usr/lib/hsm.so', realPath: '/usr/lib/hsm.so', sha256: 'cd'.repeat(32), manufacturer: 'CardContact', description: 'R/O',
      version: '2.9', cryptokiVersion: '2.20', error: null,
      readOnly: {
        verdict: 'read_only', reason: 'a read/write session is refused', token: 'fleet', flagWriteProtected: true,
        openReadWriteSession: 'CKR_TOKEN_WRITE_PROTECTED', generateKeyPair: 'not tried', at,
      },
      tokens: [{
        slotId: 1, slotIndex: 0, slotDescription: 'reader', label: 'fleet', serial: 'S1', manufacturer: 'CardContact', model: 'HSM',
        flags: ['TOKEN_INITIALIZED', 'WRITE_PROTECTED'], pinState: 'ok', loginRequired: true, identity: 'ef'.repeat(32),
        keys: [{
          id: '01', label: 'old', class: 'pair', type: 'rsa', bits: 1024, curve: null, fingerprint, sensitive: null, extractable: false,
        }],
        certificates: [{
          id: '01', label: 'old', subject: 'CN=www', issuer: 'CN=ca', serial: '0a', notBefore: '2025-01-01T00:00:00.000Z',
          notAfter: '2035-01-01T00:00:00.000Z', sha256: '12'.repeat(32), keyFingerprint: fingerprint, matchesKey: true,
        }],
      }],
    }],
    nssDatabases: [{
      path: '/etc/nss', kind: 'sql', mode: '0750', owner: 'root', group: 'www-data',
      modules: [{ name: 'hsm', library: '/usr/lib/hsm.so', enabled: true }],
    }],
    sites: [{
      name: 'www', port: 443, engine: 'mod_nss', config: '/etc/apache2/www.conf', key: 'fleet:old', serving: true,
      servedKeyFingerprint: fingerprint, servedCertificateSha256: null, servedFromToken: true, error: null,
    }],
    ...more,
  };
}
