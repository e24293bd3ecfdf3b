import type { RunEvent, RunEventOf } from '@hsmfleet/contract';
import { createColors, printable, printableBlock, printableJson, type Colors } from '@hsmfleet/reporter';

/** What is shown of an ad hoc run. */
export interface AdhocView {
  /** Programs alone: what they wrote goes where programs write it, and as JSON one line per host. */
  program: boolean;
  json: boolean;
  diff: boolean;
  verbosity: number;
  color: boolean;
}

type Ended = RunEventOf<'task_finished'>;

/** What a program on a host came to. */
interface ProgramResult {
  rc: number;
  stdout: string;
  stderr: string;
}

const WORDS: Readonly<Record<Ended['outcome'], string>> = { ok: 'SUCCESS', changed: 'CHANGED', skipped: 'SKIPPED', failed: 'FAILED', refused: 'REFUSED' };

/** Keys of a result that the word before it says, or the diff after it. */
const SAID_ALREADY: ReadonlySet<string> = new Set(['changed', 'failed', 'skipped', 'diff']);

/** Prints what one task comes to on each host, as soon as the host is done. */
export class AdhocPrinter {
  readonly #view: AdhocView;
  readonly #colors: Colors;
  /** Hosts of which something was told. */
  readonly #told = new Set<string>();

  constructor(view: AdhocView) {
    this.#view = view;
    this.#colors = createColors(view.color);
  }

  event(event: RunEvent): void {
    if (event.type === 'task_finished') this.#task(event);
    else if (event.type === 'host_unreachable') this.#ended(event.host, 'UNREACHABLE', event.error);
    else if (event.type === 'host_finished' && event.error !== undefined && !this.#told.has(event.host)) this.#ended(event.host, event.status === 'refused' ? 'REFUSED' : 'FAILED', event.error);
    else if (event.type === 'warning') process.stderr.write(`${event.host === '' ? '' : `${printable(event.host)}: `}warning: ${printable(event.message)}\n`);
  }

  /** Everything was told as it happened. */
  finish(): void { /* nothing is left */ }

  #task(event: Ended): void {
    this.#told.add(event.host);
    const program = programResult(event.result);
    if (this.#view.json) {
      this.#line({ host: event.host, outcome: event.outcome, ...program, ...(event.error === undefined ? {} : { error: event.error }), ...(event.message === undefined ? {} : { message: event.message }), durationMs: event.durationMs });
      return;
    }
    const word = this.#word(WORDS[event.outcome]);
    const host = printable(event.host);
    if (program === undefined) process.stdout.write(`${host} | ${word} => ${this.#text(event)}\n`);
    else if (this.#view.program) this.#program(host, program);
    else process.stdout.write(`${host} | ${word} | rc=${String(program.rc)} >>\n${block(program.stdout)}${block(program.stderr)}`);
    if (program !== undefined && event.error !== undefined && event.error.code !== 'COMMAND_FAILED') process.stdout.write(`  ${printable(event.error.message)}\n`);
    for (const warning of event.warnings) process.stderr.write(`${host}: warning: ${printable(warning)}\n`);
    if (this.#view.verbosity > 0) for (const change of event.changes) process.stdout.write(`  ${printable(change)}\n`);
    if (this.#view.diff) for (const { path, unified, note } of event.diffs) process.stdout.write(`${printableBlock(unified ?? `${path}: ${note ?? ''}`)}\n`);
  }

  #program(host: string, { rc, stdout, stderr }: ProgramResult): void {
    process.stdout.write(`${host} | ${rc === 0 ? this.#colors.green('rc=0') : this.#colors.red(`rc=${String(rc)}`)} >>\n${block(stdout)}`);
    if (stderr !== '') process.stderr.write(stderr.split('\n').map((line) => `${host}: ${printable(line)}\n`).join(''));
  }

  #text({ outcome, error, message, result }: Ended): string {
    if (error !== undefined) return `${printable(error.message)}${error.hint === undefined ? '' : `\n  hint: ${printable(error.hint)}`}`;
    const told = typeof result === 'object' && result !== null ? Object.entries(result).filter(([key]) => !SAID_ALREADY.has(key)) : [];
    return printableJson({ changed: outcome === 'changed', ...Object.fromEntries(told), ...(message === undefined || told.length > 0 ? {} : { message }) }, 4);
  }

  #ended(host: string, word: string, error: { code: string; message: string; hint?: string }): void {
    this.#told.add(host);
    if (this.#view.json) this.#line({ host, outcome: word.toLowerCase(), error });
    else process.stdout.write(`${printable(host)} | ${this.#word(word)} => ${printable(error.message)}${error.hint === undefined ? '' : `\n  hint: ${printable(error.hint)}`}\n`);
  }

  #line(value: unknown): void {
    process.stdout.write(`${printableJson(value)}\n`);
  }

  #word(word: string): string {
    if (word === 'CHANGED') return this.#colors.yellow(word);
    return word === 'SUCCESS' || word === 'SKIPPED' ? this.#colors.green(word) : this.#colors.red(word);
  }
}

function programResult(result: unknown): ProgramResult | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const { rc, stdout, stderr } = result as Partial<ProgramResult>;
  return typeof rc === 'number' && typeof stdout === 'string' ? { rc, stdout: withoutEnd(stdout), stderr: typeof stderr === 'string' ? withoutEnd(stderr) : '' } : undefined;
}

/** Without the line ends that most programs write last. */
function withoutEnd(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}

function block(text: string): string {
  return text === '' ? '' : `${printableBlock(text)}\n`;
}
