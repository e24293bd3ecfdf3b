import { outcomeOf, type Diff, type ErrorShape, type Rendered, type TaskOutcome } from '@hsmfleet/contract';

/** What one run of a resource (a task, or one item of its loop) came to. */
export interface ItemReport {
  outcome: TaskOutcome;
  changes: string[];
  warnings: string[];
  diffs: Diff[];
  message?: string;
  error?: ErrorShape;
  /** What `register` sees. */
  result: Record<string, Rendered>;
}

/** A report of something that was not done. */
export function skippedReport(reason: string, details: Record<string, Rendered> = {}): ItemReport {
  return {
    outcome: 'skipped',
    changes: [],
    warnings: [],
    diffs: [],
    message: reason,
    result: { changed: false, failed: false, skipped: true, skip_reason: reason, ...details },
  };
}

/** A report of something that ended with an error; codes of the refused class make it a refusal. */
export function failedReport(error: ErrorShape, soFar: Partial<ItemReport> = {}): ItemReport {
  const changes = soFar.changes ?? [];
  return {
    warnings: [],
    diffs: [],
    ...soFar,
    changes,
    outcome: outcomeOf(error.code) === 'refused' ? 'refused' : 'failed',
    error,
    result: withLines({ ...soFar.result, changed: changes.length > 0, failed: true, msg: error.message }),
  };
}

/** Adds `stdout_lines` and `stderr_lines` where there is text, as Ansible does. */
export function withLines(result: Record<string, Rendered>): Record<string, Rendered> {
  const out = { ...result };
  for (const name of ['stdout', 'stderr']) {
    const text = out[name];
    if (typeof text === 'string' && out[`${name}_lines`] === undefined) out[`${name}_lines`] = splitLines(text);
  }
  return out;
}

function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** One report for a whole loop, in the shape that Ansible registers: `results` holds each item's. */
export function loopReport(items: readonly { item: Rendered; loopVar: string; report: ItemReport; index?: { name: string; value: number } }[]): ItemReport {
  if (items.length === 0) return skippedReport('no items in the list', { results: [] });
  const reports = items.map(({ report }) => report);
  const worst = (outcome: TaskOutcome) => reports.some((report) => report.outcome === outcome);
  const skipped = reports.every((report) => report.outcome === 'skipped');
  const outcome: TaskOutcome = worst('refused') ? 'refused' : worst('failed') ? 'failed' : skipped ? 'skipped' : worst('changed') ? 'changed' : 'ok';
  const failed = outcome === 'failed' || outcome === 'refused';
  const error = reports.find((report) => report.outcome === outcome)?.error;
  const message = failed ? 'one or more items failed' : skipped ? 'all items skipped' : 'all items completed';
  return {
    outcome,
    changes: reports.flatMap((report) => report.changes),
    warnings: [...new Set(reports.flatMap((report) => report.warnings))],
    diffs: reports.flatMap((report) => report.diffs),
    ...(skipped ? { message } : {}),
    ...(failed && error !== undefined ? { error } : {}),
    result: {
      changed: reports.some((report) => report.result.changed === true),
      failed,
      // as with Ansible, only what was skipped says so: people select by whether it is there
      ...(skipped ? { skipped } : {}),
      msg: message,
      results: items.map(({ item, loopVar, report, index }) => ({
        ...report.result, [loopVar]: item, ansible_loop_var: loopVar,
        ...(index === undefined ? {} : { [index.name]: index.value, ansible_index_var: index.name }),
      })),
    },
  };
}
