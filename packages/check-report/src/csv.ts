import type { CheckReport, CheckResult, ControlSummary, Finding } from '@hsmfleet/contract';
import { printable, printableJson } from '@hsmfleet/terminal-text';
import { stringify } from 'csv-stringify/sync';
import { ageOf } from './age.ts';
import { withControls } from './plain-details.ts';

const HOUR_MS = 3_600_000;

/** Columns of the CSV, in order. Further ones are only added at the end. */
export const CSV_COLUMNS = [
  'check', 'schedule', 'profile', 'finished_at', 'control', 'title', 'severity', 'host', 'outcome', 'finding_key', 'message', 'row',
  'evidence', 'evidence_at', 'evidence_age_hours', 'waiver_owner', 'waiver_until', 'waiver_expired', 'waiver_reason', 'error_code', 'error', 'fix', 'position',
] as const;

type Row = Record<(typeof CSV_COLUMNS)[number], string | number | null>;

/**
 * CSV as RFC 4180 has it, with a heading: a line for each finding, and one for each result without findings, passes too.
 *
 * A spreadsheet must not calculate what a host says. A text that begins like a formula (= + - @, tab) gets an apostrophe in
 * front of it; so does such a beginning after a semicolon or bar, at which a spreadsheet of another language may cut. Programs
 * that need every text as it is read the JSON.
 */
export function renderCsv(report: CheckReport): string {
  const rows = withControls(report).flatMap(({ result, control }) =>
    (result.findings.length === 0 ? [undefined] : result.findings).map((finding) => csvRow(report, result, control, finding)));
  return stringify(rows.map(guard), { header: true, columns: [...CSV_COLUMNS], record_delimiter: 'windows', escape_formulas: true });
}

function csvRow(report: CheckReport, result: CheckResult, control: ControlSummary, finding: Finding | undefined): Row {
  const age = result.evidenceAt === null ? undefined : ageOf(result.evidenceAt, report.finishedAt);
  const { file, line, column } = control.position;
  const { waiver, error } = result;
  return {
    check: report.id, schedule: report.schedule, profile: report.profile.name, finished_at: report.finishedAt,
    control: control.id, title: control.title, severity: control.severity, host: result.host, outcome: result.outcome,
    finding_key: finding?.key ?? null, message: finding?.message ?? null, row: finding === undefined ? null : printableJson(finding.row),
    evidence: result.evidence, evidence_at: result.evidenceAt, evidence_age_hours: age === undefined ? null : Math.round((age / HOUR_MS) * 100) / 100,
    waiver_owner: waiver?.owner ?? null, waiver_until: waiver?.until ?? null, waiver_expired: waiver === null ? null : String(waiver.expired), waiver_reason: waiver?.reason ?? null,
    error_code: error?.code ?? null, error: error?.message ?? null, fix: control.fix, position: `${file}:${String(line)}:${String(column)}`,
  };
}

function guard(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) =>
    [name, typeof value === 'string' ? printable(value).replaceAll(/([;|]\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1'") : value])) as Row;
}
