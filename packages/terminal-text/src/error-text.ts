import type { ErrorShape } from '@hsmfleet/contract';
import type { Colors } from './colors.ts';
import { printable, printableBlock } from './printable.ts';

/** An error to print: {@link ErrorShape}, and the line of source where it is known. */
export interface PrintableError extends ErrorShape {
  excerpt?: string | undefined;
}

/**
 * What, where, the line with a caret, and what to do next:
 * ```
 * error: unknown key "hots"
 *   --> site.yml:3:5
 *    |   hots: web
 *    |   ^
 *   hint: did you mean "hosts"?
 * ```
 * Where the error's details have the end of a log (`log_tail`), its lines come before the hint.
 * @returns lines without line ends
 */
export function errorLines(error: PrintableError, colors: Colors, label = 'error'): string[] {
  const lines = [`${colors.red(colors.bold(`${label}:`))} ${printable(error.message)}`];
  if (error.position !== undefined) {
    const { file, line, column } = error.position;
    lines.push(`  ${colors.blue('-->')} ${printable(file)}:${String(line)}:${String(column)}`);
    if (error.excerpt !== undefined) {
      // a tab counts as one column, so one blank keeps the caret in place
      const shown = error.excerpt.replaceAll('\t', ' ');
      const caretAt = printable(shown.slice(0, column - 1)).length;
      lines.push(`   ${colors.blue('|')} ${printable(shown)}`, `   ${colors.blue('|')} ${' '.repeat(caretAt)}${colors.red('^')}`);
    }
  }
  const log = error.details?.log_tail;
  if (typeof log === 'string' && log !== '') lines.push(...printableBlock(log).split('\n').map((line) => `   ${colors.blue('|')} ${line}`));
  if (error.hint !== undefined) lines.push(`  ${colors.cyan('hint:')} ${printable(error.hint)}`);
  return lines;
}
