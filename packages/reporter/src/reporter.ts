import type { RunEvent } from '@hsmfleet/contract';
import { createColors, printable, printableJson } from '@hsmfleet/terminal-text';
import { createLiveProgress, type TerminalStream } from './live-progress.ts';
import { createPrinter } from './plain-printer.ts';

/** Milliseconds that results wait for slower hosts before a task is printed without them. */
const PATIENCE_MS = 3_000;

export interface ReporterOptions {
  /** `live`: results on stdout, progress on the terminal behind stderr. `plain`: lines on stdout. `ndjson`: events on stdout. */
  format: 'live' | 'plain' | 'ndjson';
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: TerminalStream;
  /** Colours on stdout; see wantsColor. */
  color: boolean;
  /** Number of -v: 1 shows changes, results and items, 2 shows whole results and how agents started. */
  verbosity: number;
  /** Show unified diffs. */
  diff: boolean;
}

/** What people see of a run. Every text of a host is escaped before it is written. */
export interface Reporter {
  event(event: RunEvent): void;
  /** A line of the program itself, on stderr: "stopping after the current tasks". */
  note(text: string): void;
  /** Prints what is left and the recap. Call it once, also when the run was cut off. */
  finish(): void;
}

export function createReporter(options: ReporterOptions): Reporter {
  if (options.format === 'ndjson') return createNdjson(options);
  const { stdout, stderr, color, verbosity, diff } = options;
  const colors = createColors(color);
  const live = options.format === 'live' ? createLiveProgress(stderr, createColors(color)) : undefined;
  let written = '';
  const printer = createPrinter({
    out: (text) => { written += text; }, colors, verbosity, diff,
    quiet: live !== undefined && stdout.isTTY === true && verbosity === 0,
  });
  let timer: NodeJS.Timeout | undefined;

  function write(): void {
    const text = written;
    written = '';
    if (text === '') return;
    if (live === undefined) stdout.write(text);
    else live.above(() => { stdout.write(text); });
  }

  function watch(): void {
    if (!printer.waiting()) {
      clearTimeout(timer);
      timer = undefined;
      return;
    }
    timer ??= setTimeout(() => {
      timer = undefined;
      printer.flush();
      write();
    }, PATIENCE_MS).unref();
  }

  return {
    event(event) {
      printer.event(event);
      live?.event(event);
      write();
      watch();
    },
    note(text) {
      const line = `${printable(text)}\n`;
      if (live === undefined) stderr.write(line);
      else live.above(() => { stderr.write(line); });
    },
    finish() {
      clearTimeout(timer);
      live?.finish();
      printer.finish();
      stdout.write(written);
      written = '';
    },
  };
}

function createNdjson({ stdout, stderr }: ReporterOptions): Reporter {
  return {
    event: (event) => { stdout.write(`${printableJson(event)}\n`); },
    note: (text) => { stderr.write(`${printable(text)}\n`); },
    finish: () => undefined,
  };
}
