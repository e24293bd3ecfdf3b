import type { MetricsSnapshot } from './snapshot.ts';

/**
 * Certificates that have a series of their own: the only series that name hosts. Two thousand are 400 kB of text and what a
 * Prometheus takes without noticing; of more, those that expire first are the ones that matter. All are counted by age.
 */
export const CERTIFICATE_SERIES = 2_000;
/** Playbooks that have series of their own. */
export const PLAYBOOK_SERIES = 50;
/** Characters of a label's value. */
const LABEL_LENGTH = 120;

/** Upper ends of the groups in which certificates are counted, days; the same as people are told of, and further ahead. */
export const EXPIRY_GROUPS = [0, 1, 7, 14, 30, 90] as const;
const DAY_MS = 86_400_000;

/** What a host says of itself, as the value of a label: of bounded length, without control characters. */
export function labelValue(text: string): string {
  const harmless = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu, '\uFFFD');
  return harmless.length > LABEL_LENGTH ? `${harmless.slice(0, LABEL_LENGTH - 1)}…` : harmless;
}

export type CertificateSeries = MetricsSnapshot['certificates'][number];

/** Certificates with series of their own, one per set of labels: of two alike, the one that expires first. */
export function soonest(certificates: readonly CertificateSeries[], limit = CERTIFICATE_SERIES): CertificateSeries[] {
  const sorted = [...certificates].sort((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter));
  const kept = new Map<string, CertificateSeries>();
  for (const certificate of sorted) {
    if (kept.size >= limit) break;
    const { host, token, id, label } = certificate;
    const named = { ...certificate, host: labelValue(host), token: labelValue(token), id: labelValue(id), label: labelValue(label) };
    const key = JSON.stringify([named.host, named.token, named.id, named.label]);
    if (!kept.has(key)) kept.set(key, named);
  }
  return [...kept.values()];
}

/** How many certificates have so many days left: `expired`, `1d`, `7d`, …, `later`; each in the first group that it fits. */
export function countByExpiry(certificates: readonly CertificateSeries[], now: Date): Map<string, number> {
  const names = [...EXPIRY_GROUPS.map((days) => (days === 0 ? 'expired' : `${String(days)}d`)), 'later'];
  const counts = new Map(names.map((name) => [name, 0]));
  for (const { notAfter } of certificates) {
    const days = (Date.parse(notAfter) - now.getTime()) / DAY_MS;
    const group = EXPIRY_GROUPS.findIndex((limit) => days <= limit);
    const name = names.at(group === -1 ? names.length - 1 : group) as string;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
