import type { HostDiagnosis, LinkReport } from '@hsmfleet/contract';
import type { Finding } from './finding.ts';
import { LINKS, type LinkId } from './links.ts';

/** What was found of links; a function is asked only when no link before it is broken. */
export type Findings = Partial<Record<LinkId, Finding | (() => Finding)>>;

/** Every link of the chain in its order: the first broken one ends the walk. */
export function walk(findings: Findings): LinkReport[] {
  let brokenAt: string | undefined;
  return LINKS.map(({ id, title }): LinkReport => {
    if (brokenAt !== undefined) return { link: id, status: 'not_looked_at', evidence: `"${brokenAt}" comes before it and is broken` };
    const found = findings[id];
    const finding = typeof found === 'function' ? found() : found;
    if (finding === undefined) return { link: id, status: 'not_told', evidence: 'nothing is known of it' };
    if (finding.status === 'broken') brokenAt = title;
    return { link: id, ...finding };
  });
}

/** Links that lie before the host answers: without them it is unreachable, not broken. */
const BEFORE_LOGIN: ReadonlySet<string> = new Set<LinkId>(['name', 'ssh-port', 'host-key', 'login']);

/** A host's verdict from its links. */
export function diagnosisOf(host: string, links: LinkReport[], sites: string[]): HostDiagnosis {
  const broken = links.find(({ status }) => status === 'broken')?.link ?? null;
  const verdict = broken === null ? 'healthy' : BEFORE_LOGIN.has(broken) ? 'unreachable' : 'broken';
  return { host, verdict, broken, sites, links };
}

/** 0 healthy, 2 broken, 4 unreachable, 6 both. */
export function doctorExitCode(hosts: readonly Pick<HostDiagnosis, 'verdict'>[], control: readonly Pick<LinkReport, 'status'>[] = []): number {
  const has = (verdict: HostDiagnosis['verdict']): boolean => hosts.some((host) => host.verdict === verdict);
  return (has('broken') || control.some(({ status }) => status === 'broken') ? 2 : 0) | (has('unreachable') ? 4 : 0);
}
