import { checkExitCode, type CheckReport, type CheckResult, type ControlSummary, type Finding, type Severity, type SourcePosition } from '@hsmfleet/contract';
import { printable, printableJson } from '@hsmfleet/terminal-text';
import type { Location, Log, Notification, ReportingDescriptor, Result } from 'sarif';
import { findingLine, withControls } from './plain-details.ts';
import { fileUri, sarifText } from './sarif-text.ts';
import { waiverText } from './waiver-text.ts';

/*
 * SARIF is plain JSON, so its published types are all that is needed. node-sarif-builder adds indexes to what it is given,
 * and refuses a log in which any text, also one of a host, happens to hold its own mark for missing fields.
 */

/** SARIF's three levels, and the number by which code scanning sorts. */
const SEVERITY: Readonly<Record<Severity, { level: 'error' | 'warning' | 'note'; score: string; rank: number }>> = {
  critical: { level: 'error', score: '9.5', rank: 95 },
  high: { level: 'error', score: '8.0', rank: 80 },
  medium: { level: 'warning', score: '5.5', rank: 55 },
  low: { level: 'note', score: '2.0', rank: 20 },
};

/**
 * SARIF 2.1.0: a rule for each control, a result for each finding, at the control's place in the profile, with the host as
 * logical location. A waived finding is suppressed with the reason; one whose waiver expired is not. What could not be judged
 * or did not answer is no finding: it is told as a notification of the invocation, which then was not successful. Passes are
 * only counted, in the run's properties, since viewers of code show every result as something to do.
 */
export function renderSarif(report: CheckReport): string {
  const all = withControls(report);
  const notifications = all.flatMap(({ result, control }) => notification(result, control));
  const log: Log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'hsmfleet', version: report.version, rules: report.controls.map(rule) } },
      automationDetails: { id: `hsmfleet/${report.profile.name}/${report.id}`, description: { text: sarifText(report.profile.title) } },
      invocations: [{
        executionSuccessful: notifications.length === 0, exitCode: checkExitCode(report.counts), startTimeUtc: report.startedAt, endTimeUtc: report.finishedAt,
        toolExecutionNotifications: [...notifications, ...report.warnings.map((warning): Notification => ({ level: 'warning', message: { text: sarifText(warning) } }))],
      }],
      columnKind: 'utf16CodeUnits',
      results: all.flatMap(({ result, control, index }) => results(result, control, index, report)),
      properties: {
        check: report.id, schedule: report.schedule, profile: report.profile, hosts: report.hosts.length, counts: report.counts,
      },
    }],
  };
  return `${printableJson(log, 2)}\n`;
}

function rule({ id, title, why, fix, severity, kind }: ControlSummary): ReportingDescriptor {
  const { level, score, rank } = SEVERITY[severity];
  return {
    id,
    shortDescription: { text: sarifText(title) },
    fullDescription: { text: sarifText(why) },
    help: { text: [title, `Why: ${why}`, ...(fix === null ? [] : [`What to do: ${fix}`])].map(sarifText).join('\n') },
    defaultConfiguration: { level, rank },
    properties: { severity, kind, 'security-severity': score, tags: ['security', severity] },
  };
}

function results(result: CheckResult, control: ControlSummary, index: number, report: CheckReport): Result[] {
  if (result.outcome !== 'fail' && result.outcome !== 'waived') return [];
  const { level, rank } = SEVERITY[control.severity];
  const bare: Finding = { key: `${control.id}/${result.host}`, message: `not met: ${control.title}`, row: {} };
  return (result.findings.length === 0 ? [bare] : result.findings).map((finding): Result => {
    const expired = result.waiver?.expired === true ? `; ${waiverText(result.waiver, report.finishedAt)}` : '';
    return {
      ruleId: control.id, ruleIndex: index, kind: 'fail', level, rank,
      message: { text: sarifText(`${result.host}: ${findingLine(finding)}${expired}`) },
      locations: [location(control.position, result.host)],
      // the second name is the one by which code scanning knows a finding again; it would count lines otherwise
      partialFingerprints: { 'hsmfleetFinding/v1': finding.key, primaryLocationLineHash: finding.key },
      ...(result.outcome === 'waived'
        ? { suppressions: [{ kind: 'external' as const, status: 'accepted' as const, ...(result.waiver === null ? {} : { justification: printable(waiverText(result.waiver, report.finishedAt)), location: location(result.waiver.position) }) }] }
        : {}),
      properties: {
        host: result.host, outcome: result.outcome, severity: control.severity, row: finding.row, evidence: result.evidence, evidenceAt: result.evidenceAt,
        ...(result.waiver === null ? {} : { waiver: { reason: result.waiver.reason, owner: result.waiver.owner, until: result.waiver.until, expired: result.waiver.expired } }),
      },
    };
  });
}

function notification(result: CheckResult, control: ControlSummary): Notification[] {
  if (result.outcome !== 'error' && result.outcome !== 'unreachable') return [];
  const why = result.error === null ? '' : `: ${result.error.message}`;
  return [{
    level: 'error',
    message: { text: sarifText(`${result.host}: ${control.id} not judged (${result.outcome})${why}`) },
    associatedRule: { id: control.id },
    ...(result.error === null ? {} : { descriptor: { id: result.error.code } }),
    locations: [location(control.position, result.host)],
    properties: { host: result.host, outcome: result.outcome },
  }];
}

function location({ file, line, column }: SourcePosition, host?: string): Location {
  return {
    physicalLocation: { artifactLocation: { uri: fileUri(file) }, region: { startLine: line, startColumn: column } },
    ...(host === undefined ? {} : { logicalLocations: [{ name: host, fullyQualifiedName: host, kind: 'resource' }] }),
  };
}
