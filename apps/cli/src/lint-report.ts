import { fileUri, sarifText } from '@hsmfleet/check-report';
import { HsmfleetError } from '@hsmfleet/contract';
import { compilePlaybook, findingsOf, LINT_RULES, lintPlaybook, type LintFinding, type LintSeverity } from '@hsmfleet/playbook';
import { createColors, formatTable, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { isLocked } from '@hsmfleet/yaml-source';
import { askHidden, canAsk } from './ask-secret.ts';
import { parseExtraVars } from './extra-vars.ts';
import { nearPath } from './near-path.ts';
import { openHosts } from './open-hosts.ts';
import { newRunId, runUser } from './run-identity.ts';
import { vaultOpener, type VaultOptions } from './vault-options.ts';
import { VERSION } from './version.ts';

/** Options of `lint`. */
export interface LintCommandOptions extends VaultOptions {
  hosts?: string[];
  extraVars?: string[];
  format: 'terminal' | 'json' | 'sarif';
  skip?: string[];
  strict?: true;
  listRules?: true;
}

/** SARIF's levels. */
const LEVEL = { error: 'error', warning: 'warning', hint: 'note' } as const satisfies Record<LintSeverity, string>;

/** `lint --list-rules`. */
export function listRules(format: LintCommandOptions['format']): number {
  const rules = LINT_RULES.map(({ id, severity, title, why }) => ({ id, severity, title, why }));
  if (format === 'json') process.stdout.write(`${JSON.stringify(rules, null, 2)}\n`);
  else process.stdout.write(formatTable(['rule', 'severity', 'what it finds'], rules.map(({ id, severity, title }) => [id, severity, title]), createColors(wantsColor(process.stdout))));
  return 0;
}

/**
 * `lint PLAYBOOK`.
 * @returns the exit code: 1 for mistakes, 2 for what rules find
 * @throws HsmfleetError USAGE, FILE_MISSING, and what hosts files and vaults bring
 */
export async function reportLint(playbook: string | undefined, options: LintCommandOptions): Promise<number> {
  if (playbook === undefined) throw new HsmfleetError('USAGE', 'no playbook is given', { hint: 'hsmfleet lint PLAYBOOK' });
  const skip = (options.skip ?? []).flatMap((rules) => rules.split(',')).map((rule) => rule.trim()).filter((rule) => rule !== '');
  const unknown = skip.find((id) => !LINT_RULES.some((rule) => rule.id === id));
  if (unknown !== undefined) throw new HsmfleetError('USAGE', `there is no rule "${unknown}"`, { hint: 'hsmfleet lint --list-rules shows the rules' });
  const ask = canAsk() ? askHidden : undefined;
  const vault = await vaultOpener(options);
  const extraVars = await parseExtraVars(options.extraVars ?? [], { ask, vault });
  const findings = await lintPlaybook({ playbook, ask, vault, extraVars, skip });
  if (options.hosts !== undefined && !findings.some(isMistake)) findings.push(...(await withHosts(playbook, options, { ask, vault, extraVars })));
  const text = { terminal, json, sarif }[options.format](findings);
  process.stdout.write(text);
  return exitCode(findings, options.strict === true);
}

/** Mistakes that show only when the variables of hosts are known. */
async function withHosts(playbook: string, options: LintCommandOptions, given: Pick<Parameters<typeof compilePlaybook>[0], 'ask' | 'vault' | 'extraVars'>): Promise<LintFinding[]> {
  const hosts = await openHosts(options.hosts ?? [], options, playbook);
  try {
    await compilePlaybook({ ...given, playbook, hosts, check: true, diff: false, run: newRunId(), user: runUser() });
    return [];
  } catch (thrown) {
    const found = findingsOf(thrown, playbook);
    // who reviews a playbook need not be able to roll it out
    const readable = found.filter(({ rule }) => !isLocked({ code: rule }));
    if (readable.length < found.length) process.stderr.write('note: no password opens some of what is encrypted: what it is used for was not looked at\n');
    return readable;
  }
}

/** Mistakes bear error codes, rules bear words. */
function isMistake({ rule }: LintFinding): boolean {
  return /^[A-Z]/.test(rule);
}

function exitCode(findings: readonly LintFinding[], strict: boolean): number {
  if (findings.some(isMistake)) return 1;
  return findings.some(({ severity }) => strict || severity !== 'hint') ? 2 : 0;
}

function terminal(findings: readonly LintFinding[]): string {
  if (findings.length === 0) return 'nothing found\n';
  const colors = createColors(wantsColor(process.stdout));
  const paint = { error: colors.red, warning: colors.yellow, hint: colors.dim };
  const lines = findings.flatMap(({ rule, severity, message, position: { file, line, column }, hint }) => [
    `${printable(nearPath(file))}:${String(line)}:${String(column)}: ${paint[severity](severity)} ${printable(message)} ${colors.dim(`[${rule}]`)}`,
    ...(hint === undefined ? [] : [`  hint: ${printable(hint)}`]),
  ]);
  const count = (wanted: LintSeverity): number => findings.filter(({ severity }) => severity === wanted).length;
  return `${lines.join('\n')}\n\n${String(count('error'))} errors, ${String(count('warning'))} warnings, ${String(count('hint'))} hints\n`;
}

function json(findings: readonly LintFinding[]): string {
  return `${printableJson(findings.map((finding) => ({ ...finding, position: { ...finding.position, file: nearPath(finding.position.file) } })), 2)}\n`;
}

/** SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/: a rule for each of ours and for each kind of mistake met. */
function sarif(findings: readonly LintFinding[]): string {
  const codes = [...new Set(findings.filter(isMistake).map(({ rule }) => rule))];
  const rules = [
    ...LINT_RULES.map(({ id, severity, title, why }) => ({ id, shortDescription: { text: title }, fullDescription: { text: why }, defaultConfiguration: { level: LEVEL[severity] } })),
    ...codes.map((id) => ({ id, shortDescription: { text: 'a mistake: the playbook would not run' }, defaultConfiguration: { level: 'error' } })),
  ];
  return `${printableJson({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'hsmfleet lint', version: VERSION, rules } },
      columnKind: 'utf16CodeUnits',
      results: findings.map(({ rule, severity, message, position: { file, line, column }, hint }) => ({
        ruleId: rule, ruleIndex: rules.findIndex(({ id }) => id === rule), level: LEVEL[severity],
        message: { text: sarifText(hint === undefined ? message : `${message}: ${hint}`) },
        locations: [{ physicalLocation: { artifactLocation: { uri: fileUri(nearPath(file)) }, region: { startLine: line, startColumn: column } } }],
      })),
    }],
  }, 2)}\n`;
}
