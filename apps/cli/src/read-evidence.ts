import { TOKEN_VIEWS, type EvidenceGap, type ExpiringCertificate, type HostEvidence } from '@hsmfleet/compliance';
import type { ErrorShape } from '@hsmfleet/contract';
import type { Store } from '@hsmfleet/store';
import type { HostReach } from './gather-evidence.ts';

/**
 * How much is known of hosts, from the store and from how they answered just now.
 * @param reach undefined: hosts were not asked
 * @throws HsmfleetError STORE
 */
export async function readEvidence(store: Store, hosts: readonly string[], reach: ReadonlyMap<string, HostReach> | undefined): Promise<Map<string, HostEvidence>> {
  const known = new Map((await store.read('select host, collected_at, evidence, inventory_errors, last_status, last_error from hosts')).map((row) => [String(row.host), row]));
  const tokensRead = new Map((await store.read('select host, max(collected_at) as at from tokens group by host')).map((row) => [String(row.host), String(row.at)]));
  const gaps = await readGaps(store);
  return new Map(hosts.map((host): [string, HostEvidence] => {
    const row = known.get(host);
    const collectedAt = typeof row?.collected_at === 'string' ? row.collected_at : null;
    const kind = row?.evidence === 'live' || row?.evidence === 'passive' ? row.evidence : null;
    const mine = gaps.get(host) ?? [];
    const untold = Number(row?.inventory_errors ?? 0) - mine.length;
    return [host, {
      ...reached(reach?.get(host), reach !== undefined, collectedAt, row),
      collectedAt, kind,
      tokensReadAt: kind === 'live' ? collectedAt : (tokensRead.get(host) ?? null),
      gaps: [
        ...mine.flatMap((gap) => (gap.views.length === 0 ? [] : [gap])),
        ...(untold > 0 ? [{ views: 'all' as const, problem: `${String(untold)} ${untold === 1 ? 'part' : 'parts'} of the host could not be read` }] : []),
      ],
    }];
  }));
}

/** Certificates that tokens hold or sites serve, for those whom their end concerns. @throws HsmfleetError STORE */
export async function readCertificates(store: Store): Promise<ExpiringCertificate[]> {
  const rows = await store.read(`
    select host, sha256, subject, not_after from certificates
    union select host, served_certificate_sha256, certificate_subject, certificate_not_after from sites where certificate_not_after is not null`);
  return rows.map((row) => ({ host: String(row.host), sha256: String(row.sha256), subject: String(row.subject), notAfter: String(row.not_after) }));
}

function reached(reach: HostReach | undefined, asked: boolean, collectedAt: string | null, row: Record<string, string | number | null> | undefined): Pick<HostEvidence, 'reach' | 'error'> {
  if (!asked) {
    if (collectedAt !== null || row?.last_status !== 'unreachable') return { reach: 'snapshot', error: null };
    return { reach: 'unreachable', error: { code: 'UNREACHABLE', message: String(row.last_error ?? 'it did not answer, and nothing was ever read from it') } };
  }
  const error = (fallback: ErrorShape): ErrorShape => reach?.error ?? fallback;
  switch (reach?.status) {
    case 'ok': return { reach: 'ok', error: null };
    case 'unreachable': return { reach: 'unreachable', error: error({ code: 'UNREACHABLE', message: 'it did not answer' }) };
    case 'failed':
    case 'refused': return { reach: 'failed', error: error({ code: 'TASK_FAILED', message: 'it answered, but could not be read' }) };
    default: return { reach: 'failed', error: error({ code: 'TIMEOUT', message: 'it had not answered when the time of the check was over' }) };
  }
}

/** What the newest snapshots lack. A site's error is no gap: its row says it. */
async function readGaps(store: Store): Promise<Map<string, EvidenceGap[]>> {
  const rows = await store.read(`
    select host, path as what, error, 'module' as kind from modules where error is not null
    union all select host, name as what, error, 'site' as kind from sites where error is not null`);
  const gaps = new Map<string, EvidenceGap[]>();
  for (const row of rows) {
    const gap: EvidenceGap = { views: row.kind === 'module' ? TOKEN_VIEWS : [], problem: `${String(row.what)}: ${String(row.error)}` };
    gaps.set(String(row.host), [...(gaps.get(String(row.host)) ?? []), gap]);
  }
  return gaps;
}
