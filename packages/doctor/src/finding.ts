import type { LinkReport } from '@hsmfleet/contract';

/** What is said of a link, before it has its place in the chain. */
export type Finding = Omit<LinkReport, 'link'>;

/** The link is whole. */
export function ok(evidence: string, notes: readonly string[] = []): Finding {
  return { status: 'ok', evidence, ...(notes.length === 0 ? {} : { notes: [...notes] }) };
}

/**
 * The link is broken.
 * @param fix what to do, and what to type
 */
export function broken(evidence: string, fix: string, command?: string, code?: string): Finding {
  return { status: 'broken', evidence, ...(code === undefined ? {} : { code }), fix: { text: fix, ...(command === undefined ? {} : { command }) } };
}

/** The host has no such link and needs none. */
export function notApplicable(reason: string): Finding {
  return { status: 'not_applicable', evidence: reason };
}

/** Nobody could tell, or only by disturbing what serves. */
export function notTold(reason: string, notes: readonly string[] = []): Finding {
  return { status: 'not_told', evidence: reason, ...(notes.length === 0 ? {} : { notes: [...notes] }) };
}

/** Of what several sites or modules say of one link: the first that is broken, else what the first says, with the notes of all. */
export function worst(findings: readonly Finding[]): Finding | undefined {
  const rank = ['broken', 'not_told', 'ok', 'not_applicable'] as const;
  const found = rank.map((status) => findings.find((finding) => finding.status === status)).find((finding) => finding !== undefined);
  if (found === undefined) return undefined;
  const notes = [...new Set(findings.flatMap((finding) => finding.notes ?? []))];
  const same = [...new Set(findings.filter(({ status }) => status === found.status).map(({ evidence }) => evidence))];
  return { ...found, ...(found.status === 'broken' ? {} : { evidence: same.join('; ') }), ...(notes.length === 0 ? {} : { notes }) };
}
