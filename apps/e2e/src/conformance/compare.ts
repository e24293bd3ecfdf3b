import { RECAP_KEYS, type CaseOutcome, type TaskLine } from './outcome.ts';

/** Everything in which the two differ, one line each; empty when they are equal. */
export function differencesOf(recorded: CaseOutcome, ours: CaseOutcome): string[] {
  const out: string[] = [];
  if (recorded.exit !== ours.exit) out.push(`exit code: ${String(recorded.exit)} there, ${String(ours.exit)} here`);
  for (const host of new Set([...Object.keys(recorded.tasks), ...Object.keys(ours.tasks)])) {
    const [theirs, own] = [recorded.tasks[host] ?? [], ours.tasks[host] ?? []];
    for (let index = 0; index < Math.max(theirs.length, own.length); index += 1) {
      const [a, b] = [shown(theirs[index], own[index]), shown(own[index], theirs[index])];
      if (a === b) continue;
      out.push(`${host}, task ${String(index + 1)}: ${a} there, ${b} here`);
      // what follows is only out of step
      if (theirs[index]?.name !== own[index]?.name) break;
    }
  }
  for (const host of new Set([...Object.keys(recorded.recap), ...Object.keys(ours.recap)])) {
    for (const key of RECAP_KEYS) {
      const [a, b] = [recorded.recap[host]?.[key] ?? 0, ours.recap[host]?.[key] ?? 0];
      if (a !== b) out.push(`${host}: ${key}=${String(a)} there, ${key}=${String(b)} here`);
    }
  }
  return out;
}

/** @param beside messages are compared where both sides tell one, and nothing failed */
function shown(line: TaskLine | undefined, beside: TaskLine | undefined): string {
  if (line === undefined) return 'nothing';
  const message = (value: { outcome: string; message?: unknown }, other: { message?: unknown } | undefined): string =>
    other?.message === undefined || value.message === undefined || value.outcome === 'failed' ? '' : ` ${JSON.stringify(value.message)}`;
  const items = line.items === undefined ? '' : ` [${line.items.map((item, index) => item.outcome + message(item, beside?.items?.[index])).join(', ')}]`;
  return `${line.handler === true ? 'handler ' : ''}"${line.name}" ${line.outcome}${line.ignored === true ? ' ignored' : ''}${message(line, beside)}${items}`;
}
