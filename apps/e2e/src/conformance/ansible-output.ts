import { asText, bareName, type CaseOutcome, type TaskLine } from './outcome.ts';

const STATUS: Record<string, string> = { ok: 'ok', changed: 'changed', skipping: 'skipped', fatal: 'failed', failed: 'failed' };
const LINE = /^(ok|changed|skipping|fatal|failed): \[([^\]\s]+)(?: -> [^\]]+)?\](?::? (?:FAILED!|UNREACHABLE!))?(?: (?:=> )?\(item=(.*?)\)\s*)?(?: => (.*))?$/;

/** Reads what `ansible-playbook -v` prints: its default output tells all that is compared. */
export function readAnsibleOutput(stdout: string, exit: number): CaseOutcome {
  const outcome: CaseOutcome = { exit, tasks: {}, recap: {} };
  const lines = stdout.split('\n');
  let task = { name: '', handler: false, lines: new Map<string, TaskLine>(), included: new Set<string>() };
  let last: TaskLine[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string;
    const head = /^(TASK|RUNNING HANDLER) \[(.*)\] \**$/.exec(line);
    if (head !== null) {
      task = { name: bareName(head[2] as string), handler: head[1] !== 'TASK', lines: new Map(), included: new Set() };
      continue;
    }
    if (line === '...ignoring') {
      for (const each of last) each.ignored = true;
      continue;
    }
    // an include is no task: what it includes follows. Items that it skipped are not told either
    const included = /^included: .* for (.*?)(?: => \(item=.*\))?$/.exec(line);
    if (included !== null) {
      for (const host of (included[1] as string).split(', ')) {
        task.included.add(host);
        outcome.tasks[host] = (outcome.tasks[host] ?? []).filter((each) => each !== task.lines.get(host));
      }
      continue;
    }
    const recap = /^(\S+)\s+: (ok=.*)$/.exec(line);
    if (recap !== null) {
      outcome.recap[recap[1] as string] = Object.fromEntries([...(recap[2] as string).matchAll(/(\w+)=(\d+)/g)].map((found) => [found[1] as string, Number(found[2])]));
      continue;
    }
    const found = LINE.exec(line);
    if (found === null) continue;
    const [, status = '', host = '', item, rest = ''] = found;
    let text = rest;
    if (rest.trim() === '{') {
      const end = lines.indexOf('}', at);
      text = `{\n${lines.slice(at + 1, end + 1).join('\n')}`;
      at = end;
    }
    if (task.included.has(host)) continue;
    const known = task.lines.get(host);
    const entry: TaskLine = known ?? { name: task.name, ...(task.handler ? { handler: true as const } : {}), outcome: 'skipped' };
    if (known === undefined) {
      task.lines.set(host, entry);
      (outcome.tasks[host] ??= []).push(entry);
    }
    const result = STATUS[status] as string;
    const message = messageOf(text);
    const told = message === undefined || result === 'skipped' ? {} : { message };
    if (item === undefined) {
      // the last line of a loop whose items were all skipped adds nothing
      if (entry.items === undefined) Object.assign(entry, { outcome: result, ...told });
    } else {
      (entry.items ??= []).push({ outcome: result, ...told });
      entry.outcome = overall(entry.items);
    }
    last = [entry];
  }
  return outcome;
}

function messageOf(text: string): unknown {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    // the words of assert are each program's own
    if (value.msg === 'All assertions passed') return undefined;
    // only debug prints nothing but a message
    return Object.keys(value).some((key) => !['msg', 'changed', 'ansible_loop_var', 'item', 'failed_when_result', 'ansible_index_var', 'ansible_loop'].includes(key)) ? undefined : asText(value.msg);
  } catch {
    return undefined;
  }
}

function overall(items: readonly { outcome: string }[]): string {
  return ['failed', 'changed', 'ok'].find((outcome) => items.some((item) => item.outcome === outcome)) ?? 'skipped';
}
