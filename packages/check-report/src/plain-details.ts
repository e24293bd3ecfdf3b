import type { CheckReport, CheckResult, ControlSummary, Finding } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/terminal-text';
import { evidenceText } from './evidence-text.ts';
import { waiverText } from './waiver-text.ts';

/** Pairs of every result with its control. @throws TypeError when the report does not have a control that a result names */
export function withControls(report: CheckReport): { result: CheckResult; control: ControlSummary; index: number }[] {
  const indexes = new Map(report.controls.map(({ id }, index) => [id, index]));
  return report.results.map((result) => {
    const index = indexes.get(result.control) ?? -1;
    const control = report.controls[index];
    if (control === undefined) throw new TypeError(`a result names the control "${result.control}", which the report does not have`);
    return { result, control, index };
  });
}

/** One line of a finding and its row: `RSA key "shop" has 1024 bits (bits=1024 label=shop)`. */
export function findingLine({ message, row }: Finding): string {
  const cells = Object.entries(row).filter(([name]) => name !== 'host').map(([name, value]) => `${printable(name)}=${printable(value === null ? '-' : String(value))}`);
  return cells.length === 0 ? printable(message) : `${printable(message)} (${cells.join(' ')})`;
}

/** Everything about one result in lines of text: findings, waiver, error, fix, evidence, the control's place. */
export function resultLines(result: CheckResult, control: ControlSummary, finishedAt: string): string[] {
  const { file, line, column } = control.position;
  return [
    ...result.findings.map(findingLine),
    ...(result.waiver === null ? [] : [printable(waiverText(result.waiver, finishedAt))]),
    ...(result.error === null ? [] : [`${printable(result.error.code)}: ${printable(result.error.message)}`]),
    ...(result.error?.hint === undefined ? [] : [`hint: ${printable(result.error.hint)}`]),
    `why: ${printable(control.why)}`,
    ...(control.fix === null ? [] : [`fix: ${printable(control.fix)}`]),
    `evidence: ${printable(evidenceText([result], finishedAt))}`,
    `control: ${printable(file)}:${String(line)}:${String(column)}`,
  ];
}
