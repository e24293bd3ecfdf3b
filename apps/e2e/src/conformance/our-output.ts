import type { RunEvent } from '@hsmfleet/contract';
import { asText, bareName, RECAP_KEYS, type CaseOutcome, type TaskLine } from './outcome.ts';

/** Reads what `hsmfleet apply --json` prints. */
export function readOurOutput(stdout: string, exit: number): CaseOutcome {
  const outcome: CaseOutcome = { exit, tasks: {}, recap: {} };
  const items = new Map<string, NonNullable<TaskLine['items']>>();
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = JSON.parse(line) as RunEvent;
    const key = 'task' in event ? `${event.host} ${event.task}` : '';
    if (event.type === 'item_finished') {
      items.set(key, [...(items.get(key) ?? []), { outcome: event.outcome, ...(event.message === undefined || event.outcome === 'skipped' ? {} : { message: asText(event.message) }) }]);
    } else if (event.type === 'task_finished') {
      const included = event.resource.startsWith('include_') && event.resource !== 'include_vars' && event.outcome !== 'skipped';
      if (!included) {
        const done = items.get(key);
        (outcome.tasks[event.host] ??= []).push({
          name: bareName(event.name),
          ...(event.handler ? { handler: true as const } : {}),
          outcome: event.outcome,
          ...(event.ignored ? { ignored: true as const } : {}),
          ...(event.resource === 'debug' && done === undefined && event.outcome !== 'skipped' ? { message: asText(messageOf(event.result)) } : {}),
          ...(done === undefined ? {} : { items: done }),
        });
      }
      items.delete(key);
    } else if (event.type === 'run_finished') {
      for (const [host, counts] of Object.entries(event.counts)) {
        outcome.recap[host] = Object.fromEntries(RECAP_KEYS.map((name) => [name, (counts as Partial<Record<string, number>>)[name] ?? 0]));
      }
    }
  }
  return outcome;
}

function messageOf(result: unknown): unknown {
  return result !== null && typeof result === 'object' && 'msg' in result ? result.msg : undefined;
}
