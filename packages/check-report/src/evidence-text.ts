import type { CheckResult } from '@hsmfleet/contract';
import { groupBy } from '@hsmfleet/terminal-text';
import { ageOf, formatAge } from './age.ts';

/** What kinds of evidence mean to a reader. */
const KINDS = { live: 'read by this check', passive: 'read by this check, tokens left alone', snapshot: 'from the last snapshot' } as const;

/** What results rest on, and how old that was when the check ended: "read by this check, 2 s to 9 s old; from the last snapshot, 3 d old (web02)". */
export function evidenceText(results: readonly CheckResult[], finishedAt: string): string {
  const parts = groupBy(results, ({ evidence }) => evidence ?? 'none').map((group) => {
    const kind = group[0].evidence;
    if (kind === null) return `no evidence (${hostsText(group)})`;
    const ages = group.flatMap(({ evidenceAt }) => (evidenceAt === null ? [] : ageOf(evidenceAt, finishedAt) ?? [])).sort((a, b) => a - b);
    const [youngest, oldest] = [ages[0], ages.at(-1)].map((age) => (age === undefined ? undefined : formatAge(age)));
    const age = youngest === undefined ? '' : youngest === oldest ? `, ${youngest} old` : `, ${youngest} to ${String(oldest)} old`;
    return `${KINDS[kind]}${age}${kind === 'live' ? '' : ` (${hostsText(group)})`}`;
  });
  return parts.join('; ');
}

function hostsText(results: readonly CheckResult[]): string {
  const hosts = [...new Set(results.map(({ host }) => host))];
  return hosts.length <= 3 ? hosts.join(', ') : `${String(hosts.length)} hosts`;
}

/** Age of the oldest evidence of some results; undefined when there is none. */
export function oldestEvidence(results: readonly CheckResult[], finishedAt: string): string | undefined {
  const ages = results.flatMap(({ evidenceAt }) => (evidenceAt === null ? [] : ageOf(evidenceAt, finishedAt) ?? []));
  // a fold, since a report of many hosts has more results than a call may have arguments
  return ages.length === 0 ? undefined : formatAge(ages.reduce((oldest, age) => Math.max(oldest, age), 0));
}
