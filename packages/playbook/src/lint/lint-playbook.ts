import { HsmfleetError, HsmfleetErrors, type ErrorCode, type SourcePosition } from '@hsmfleet/contract';
import { surveyPlaybook, type SurveyOptions } from '../survey-playbook.ts';
import { LINT_RULES } from './rules.ts';
import type { LintFinding, LintRule } from './rule.ts';

/** Where a playbook is only looked at, nobody needs its secrets. */
const WITHOUT_SECRETS: ReadonlySet<ErrorCode> = new Set(['SECRET_REFERENCE', 'VAULT_PASSWORD', 'AGE_IDENTITY']);

/** What is looked at, and what a person has to say about it. */
export interface LintOptions extends SurveyOptions {
  /** Rules not to be applied. @throws HsmfleetError USAGE for one that does not exist */
  skip?: readonly string[];
}

/**
 * Reads a playbook with all that it brings in, without hosts, and tells mistakes and what the rules find, in the order of
 * files and lines. A line with `# noqa: RULE` (several with commas; `# noqa` alone for all) is left alone by the rules; mistakes
 * stay mistakes.
 * @throws HsmfleetError FILE_MISSING when there is no playbook
 */
export async function lintPlaybook(options: LintOptions): Promise<LintFinding[]> {
  const rules = LINT_RULES.filter(({ id }) => options.skip?.includes(id) !== true);
  const { plays, problems } = await surveyPlaybook(options);
  const found = problems.filter(({ code }) => !WITHOUT_SECRETS.has(code)).map((problem) => mistake(problem, options.playbook));
  for (const play of plays) for (const rule of rules) found.push(...findings(rule, play));
  const unique = new Map(found.map((finding) => [JSON.stringify([finding.rule, finding.position, finding.message]), finding]));
  return [...unique.values()].sort((a, b) => compare(a.position, b.position));
}

/** Mistakes that show only when hosts are known, as findings. */
export function findingsOf(thrown: unknown, playbook: string): LintFinding[] {
  if (thrown instanceof HsmfleetErrors) return thrown.errors.map((error) => mistake(error, playbook));
  if (thrown instanceof HsmfleetError) return [mistake(thrown, playbook)];
  throw thrown;
}

function mistake({ code, message, hint, position }: HsmfleetError, playbook: string): LintFinding {
  return { rule: code, severity: 'error', message, position: position ?? { file: playbook, line: 1, column: 1 }, ...(hint === undefined ? {} : { hint }) };
}

function findings({ id, severity, look }: LintRule, play: Parameters<LintRule['look']>[0]): LintFinding[] {
  return [...look(play)].flatMap(({ source, node, message, hint }) => {
    const position = source.positionOf(node);
    const excuse = /#\s*noqa(?::\s*([\w, -]+))?\s*$/.exec(source.excerptAt(position) ?? '');
    if (excuse !== null && (excuse[1] === undefined || excuse[1].split(',').some((rule) => rule.trim() === id))) return [];
    return [{ rule: id, severity, message, position, ...(hint === undefined ? {} : { hint }) }];
  });
}

function compare(a: SourcePosition, b: SourcePosition): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column;
}
