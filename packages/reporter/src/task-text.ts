import type { Diff, TaskFinished } from '@hsmfleet/contract';
import { errorLines, printable, printableBlock, printableJson, type Colors } from '@hsmfleet/terminal-text';

/** What a person asked to see. */
export interface Detail {
  /** Number of -v. */
  verbosity: number;
  diff: boolean;
  /** In check mode what would change is always shown. */
  check: boolean;
}

/** Characters of a result shown with one -v. */
const SHORT_RESULT = 1_000;

/** "ok", "changed", "skipping", "failed", "refused": Ansible's words where it has them. */
export function outcomeWord(event: TaskFinished, colors: Colors): string {
  switch (event.outcome) {
    case 'ok': return colors.green('ok');
    case 'changed': return colors.yellow('changed');
    case 'skipped': return colors.cyan('skipping');
    case 'failed': return colors.red('failed');
    case 'refused': return colors.red('refused');
  }
}

/** Everything below the line of a host: changes, diffs, warnings, message, error. Without line ends, indented. */
export function detailLines(event: TaskFinished, detail: Detail, colors: Colors): string[] {
  const lines: string[] = [];
  const verbose = detail.verbosity > 0;
  for (const warning of event.warnings) lines.push(`${colors.magenta('warning:')} ${printable(warning)}`);
  if (event.message !== undefined && (verbose || event.resource === 'debug') && event.error === undefined) {
    lines.push(...printableBlock(event.message).split('\n'));
  }
  if (event.outcome === 'changed' && (verbose || detail.check)) {
    for (const change of event.changes) lines.push(`- ${printable(change)}`);
  }
  if (detail.diff) for (const diff of event.diffs) lines.push(...diffLines(diff, colors));
  if (event.error !== undefined) {
    const position = event.error.position ?? event.position;
    lines.push(...errorLines({ ...event.error, ...(position === undefined ? {} : { position }) }, colors));
    if (event.ignored) lines.push(colors.blue('...ignoring'));
    else if (event.rescued === true) lines.push(colors.yellow('...rescued'));
  }
  if (verbose && event.result !== undefined && event.outcome !== 'skipped') lines.push(colors.dim(resultText(event.result, detail.verbosity)));
  return lines.map((line) => `  ${line}`);
}

function resultText(result: unknown, verbosity: number): string {
  // diffs are for --diff, which shows them readably
  const told = isObject(result) ? Object.fromEntries(Object.entries(result).filter(([key]) => key !== 'diff')) : result;
  const text = printableJson(told);
  return verbosity > 1 || text.length <= SHORT_RESULT ? text : `${text.slice(0, SHORT_RESULT)}… (-vv shows all of it)`;
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A unified diff in colours, or the note that stands for it. */
export function diffLines(diff: Diff, colors: Colors): string[] {
  const lines = diff.note === undefined ? [] : [`${printable(diff.path)}: ${printable(diff.note)}`];
  if (diff.unified === undefined) return lines.length === 0 ? [printable(diff.path)] : lines;
  for (const line of printableBlock(diff.unified).replace(/\n$/, '').split('\n')) {
    if (/^(---|\+\+\+) /.test(line)) lines.push(colors.bold(line));
    else if (line.startsWith('@@')) lines.push(colors.cyan(line));
    else if (line.startsWith('+')) lines.push(colors.green(line));
    else if (line.startsWith('-')) lines.push(colors.red(line));
    else lines.push(line);
  }
  return lines;
}
