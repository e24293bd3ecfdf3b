import type { CertificateList, CertificatesQuery, HostCertificate, Paged } from '@hsmfleet/web-api';
import { count, flag, type ViewRow } from './cells.ts';
import type { DataStore } from './data-store.ts';
import { offsetOf, pageOf } from './page.ts';

/** What tells certificates apart; without the module, through several of which one token may be seen. */
export const CERTIFICATE_COLUMNS =
  'host, token, id, label, subject, issuer, serial, not_before, not_after, days_left, sha256, key_fingerprint, matches_key';

/** Certificates by their end. */
export async function readCertificates(store: DataStore, query: Paged<CertificatesQuery>, now: Date): Promise<CertificateList> {
  const offset = offsetOf(query.after);
  const params: ViewRow = { limit: query.limit, offset };
  const conditions: string[] = [];
  if (query.from !== undefined) {
    params.from = query.from;
    conditions.push('not_after >= $from');
  }
  if (query.to !== undefined) {
    params.to = query.to;
    conditions.push('not_after < $to');
  }
  if (query.search !== undefined && query.search !== '') {
    params.search = `%${query.search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(`(${['host', 'subject', 'label'].map((column) => `lower(${column}) like $search escape '\\'`).join(' or ')})`);
  }
  const found = `(select distinct ${CERTIFICATE_COLUMNS} from certificates ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`})`;
  const page = `(select * from ${found} found order by not_after, host, token, id limit $limit offset $offset)`;
  const rows = await store.read(`select * from ${page} page order by not_after, host, token, id`, params);
  const sites = await store.read(`select distinct s.host, s.name, s.port, s.served_key_fingerprint from ${page} page
    join sites s on s.host = page.host and s.served_key_fingerprint = page.key_fingerprint`, params);
  const days = await store.read(`select substr(not_after, 1, 10) as day, count(*) as number from ${found} found group by substr(not_after, 1, 10) order by day`, params);
  const total = days.reduce((sum, row) => sum + count(row.number), 0);
  return {
    at: now.toISOString(), ...pageOf(certificatesOf(rows, sites), total, offset),
    days: days.map((row) => ({ day: String(row.day), count: count(row.number) })),
  };
}

/** Certificates with the sites of their hosts that serve their keys. */
export function certificatesOf(rows: readonly ViewRow[], sites: readonly ViewRow[]): HostCertificate[] {
  const serving = new Map<string, string[]>();
  const keyOf = (host: unknown, fingerprint: unknown): string => `${String(host)}\n${String(fingerprint)}`;
  for (const site of sites) {
    const key = keyOf(site.host, site.served_key_fingerprint);
    serving.set(key, [...(serving.get(key) ?? []), `${String(site.name)}:${String(site.port)}`]);
  }
  return rows.map((row) => ({
    host: String(row.host), token: String(row.token), id: String(row.id), label: String(row.label), subject: String(row.subject), issuer: String(row.issuer),
    serial: String(row.serial), notBefore: String(row.not_before), notAfter: String(row.not_after), daysLeft: count(row.days_left), sha256: String(row.sha256),
    keyFingerprint: String(row.key_fingerprint), matchesKey: flag(row.matches_key), sites: serving.get(keyOf(row.host, row.key_fingerprint)) ?? [],
  }));
}
