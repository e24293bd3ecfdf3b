import { createColors, formatTable, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { openStore, type Store } from '@hsmfleet/store';
import { findRun } from '../find-run.ts';
import { taskKey, tellStory, type HostStory, type RunStory } from './run-story.ts';

/** Something that is not the same; null: not there at all. */
export interface RunDifference {
  host: string;
  task: string;
  before: string | null;
  after: string | null;
}

/** A task on which hosts of one run differ. */
export interface HostDifference {
  task: string;
  /** Hosts by what the task came to there. */
  outcomes: Record<string, string[]>;
}

/**
 * Prints what differs between two runs, or between the hosts of one.
 * @returns 0, also when nothing differs
 * @throws HsmfleetError USAGE, STORE
 */
export async function diffRuns(first: string, second: string | undefined, { json }: { json?: true }): Promise<number> {
  const store = await openStore();
  try {
    const before = await storyOf(store, first);
    const after = second === undefined ? before : await storyOf(store, second);
    const colors = createColors(wantsColor(process.stdout));
    if (before.id === after.id) {
      const differences = differencesOfHosts(before.story);
      if (json === true) process.stdout.write(`${printableJson(differences)}\n`);
      else if (differences.length === 0) process.stderr.write(`every task came to the same on all hosts of run ${before.id}\n`);
      else for (const { task, outcomes } of differences) process.stdout.write(`${colors.bold(printable(task))}\n${Object.entries(outcomes).map(([outcome, hosts]) => `  ${printable(outcome)}: ${hosts.map(printable).join(', ')}\n`).join('')}`);
      return 0;
    }
    const differences = differencesOfRuns(before.story, after.story);
    if (json === true) process.stdout.write(`${printableJson(differences)}\n`);
    else if (differences.length === 0) process.stderr.write(`runs ${before.id} and ${after.id} came to the same\n`);
    else process.stdout.write(formatTable(['host', 'task', before.id, after.id], differences.map(({ host, task, before: old, after: now }) => [host, task, old, now]), colors));
    return 0;
  } finally {
    await store.close();
  }
}

async function storyOf(store: Store, given: string): Promise<{ id: string; story: RunStory }> {
  const { id } = await findRun(store, given);
  return { id, story: tellStory((await store.runEvents(id)).map(({ event }) => event)) };
}

/** Per host: its end, and each task that came to something else, or is in one run only. */
export function differencesOfRuns(before: RunStory, after: RunStory): RunDifference[] {
  const names = [...new Set([...before.hosts, ...after.hosts].map(({ host }) => host))];
  return names.flatMap((host) => {
    const [old, now] = [before, after].map((story) => story.hosts.find((one) => one.host === host));
    const ends = old?.status === now?.status ? [] : [{ host, task: '(the host)', before: old?.status ?? null, after: now?.status ?? null }];
    if (old === undefined || now === undefined) return ends;
    const [olds, nows] = [outcomesOf(old), outcomesOf(now)];
    return [...ends, ...[...new Set([...olds.keys(), ...nows.keys()])].flatMap((task) => {
      const [was, is] = [olds.get(task) ?? null, nows.get(task) ?? null];
      return was === is ? [] : [{ host, task, before: was, after: is }];
    })];
  });
}

/** Tasks that did not come to the same on all hosts that had them or not. */
export function differencesOfHosts({ hosts }: RunStory): HostDifference[] {
  const outcomes = hosts.map((host) => ({ host: host.host, of: outcomesOf(host) }));
  const tasks = [...new Set(outcomes.flatMap(({ of }) => [...of.keys()]))];
  return tasks.flatMap((task) => {
    const found: Record<string, string[]> = {};
    for (const { host, of } of outcomes) (found[of.get(task) ?? 'not run'] ??= []).push(host);
    return Object.keys(found).length > 1 ? [{ task, outcomes: found }] : [];
  });
}

/** What each task came to: outcome, and what it changed or why it failed. Tasks of one name are told apart by their order. */
function outcomesOf({ tasks }: HostStory): Map<string, string> {
  const seen = new Map<string, number>();
  return new Map(tasks.map((task) => {
    const key = taskKey(task);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const name = task.name === '' ? `${task.task} ${task.resource}` : task.name;
    const why = task.error?.message ?? task.changes.join('; ');
    return [`${name}${count > 1 ? ` (${String(count)})` : ''}`, `${task.outcome}${task.ignored ? ' (ignored)' : ''}${why === '' ? '' : `: ${why}`}`];
  }));
}
