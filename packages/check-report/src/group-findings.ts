import type { CheckReport, CheckResult, ControlSummary, ErrorShape, Finding, FindingCell, WaiverUse } from '@hsmfleet/contract';
import { groupBy, hasWord, replaceWord } from '@hsmfleet/terminal-text';
import { compareSeverity } from './order.ts';

/** One finding that one or many hosts have. */
export interface SharedFinding {
  message: string;
  /** The hosts, each with the cells of its row that the message does not tell already. */
  hosts: { host: string; cells: [name: string, value: FindingCell][]; result: CheckResult; finding: Finding }[];
}

/** What one control said with one outcome and one waiver (or none): a section of a report. */
export interface FindingSection {
  control: ControlSummary;
  outcome: 'fail' | 'waived';
  waiver: WaiverUse | null;
  results: CheckResult[];
  /** Findings of most hosts first. */
  findings: SharedFinding[];
}

/** Hosts and controls for which there is the same reason that nothing could be judged. */
export interface Unjudged {
  outcome: 'error' | 'unreachable';
  error: ErrorShape | null;
  hosts: string[];
  controls: ControlSummary[];
}

/** Sections of controls with findings: failed ones first, then waived ones; worst severity and most hosts first. */
export function findingSections(report: CheckReport): FindingSection[] {
  const controls = controlsById(report);
  const found = report.results.filter(({ outcome }) => outcome === 'fail' || outcome === 'waived');
  return groupBy(found, ({ control, outcome, waiver }) => JSON.stringify([control, outcome, waiver]))
    .map((results) => ({
      control: controlOf(controls, results[0].control),
      outcome: results[0].outcome as 'fail' | 'waived',
      waiver: results[0].waiver,
      results,
      findings: sharedFindings(results),
    }))
    .sort((a, b) =>
      Number(a.outcome === 'waived') - Number(b.outcome === 'waived')
      || compareSeverity(a.control.severity, b.control.severity)
      || b.results.length - a.results.length);
}

/** What could not be judged, grouped by reason: a host that does not answer is told once, not once a control. */
export function unjudged(report: CheckReport): Unjudged[] {
  const controls = controlsById(report);
  const silent = report.results.filter(({ outcome }) => outcome === 'error' || outcome === 'unreachable');
  const byHost = groupBy(silent, (result) => JSON.stringify([result.host, result.outcome, reason(result)]));
  return groupBy(byHost, (results) => JSON.stringify([results[0].outcome, reason(results[0]), results.map(({ control }) => control)]))
    .map((group) => ({
      outcome: group[0][0].outcome as 'error' | 'unreachable',
      error: group.length === 1 || group[0][0].error === null ? group[0][0].error : { ...group[0][0].error, message: hostless(group[0][0].error.message, group[0][0].host) },
      hosts: group.map(([{ host }]) => host),
      controls: group[0].map(({ control }) => controlOf(controls, control)).sort((a, b) => compareSeverity(a.severity, b.severity)),
    }))
    .sort((a, b) => Number(a.outcome === 'unreachable') - Number(b.outcome === 'unreachable') || b.hosts.length - a.hosts.length);
}

/** What makes two errors one for a reader; the host's own name in them is no difference. */
function reason({ error, host }: CheckResult): unknown {
  return error === null ? null : [error.code, hostless(error.message, host), hostless(error.hint ?? '', host)];
}

/** A text that is the same for every host, though it names the host. */
function hostless(text: string, host: string): string {
  return replaceWord(text, host, 'HOST');
}

function sharedFindings(results: readonly CheckResult[]): SharedFinding[] {
  const all = results.flatMap((result) => result.findings.map((finding) => ({ result, finding })));
  return groupBy(all, ({ result, finding }) => hostless(finding.message, result.host))
    .map((group) => ({
      message: group.every(({ result }) => result.host === group[0].result.host) ? group[0].finding.message : hostless(group[0].finding.message, group[0].result.host),
      hosts: group.map(({ result, finding }) => ({ host: result.host, cells: untoldCells(finding), result, finding })),
    }))
    .sort((a, b) => b.hosts.length - a.hosts.length);
}

/** Cells that neither name the host nor stand in the message. */
function untoldCells({ message, row }: Finding): [string, FindingCell][] {
  return Object.entries(row).filter(([name, value]) => name !== 'host' && value !== null && value !== '' && !String(value).split('\n').every((line) => hasWord(message, line)));
}

function controlsById(report: CheckReport): Map<string, ControlSummary> {
  return new Map(report.controls.map((control) => [control.id, control]));
}

function controlOf(controls: Map<string, ControlSummary>, id: string): ControlSummary {
  const control = controls.get(id);
  if (control === undefined) throw new TypeError(`a result names the control "${id}", which the report does not have`);
  return control;
}
