import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Desk, Fleet } from './fleet.ts';
import { events } from './fleet.ts';

/** One run during which the network is cut. */
export interface Cut {
  seed: number;
  hosts: readonly string[];
  /** Those that are cut off. */
  cut: readonly string[];
  /** Milliseconds from the start of the run to the cut, and from the cut to its end. */
  atMs: number;
  lengthMs: number;
  /** The servers of the connections are killed too: they are lost at once, and cannot be made again before the end of the cut. */
  kill: boolean;
}

/** What a run came to, and what must not have happened. */
export interface CutResult extends Cut {
  run: string;
  tookMs: number;
  /** Connections that were lost and found again. */
  lost: number;
  /** How often it had to be taken up again by hand. */
  resumed: number;
  problems: string[];
}

/** A pseudo-random generator, so that a seed is a run that can be looked at again. */
export function random(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The cut of a seed: any moment of a run, any of the lengths, one host or all, with and without the end of the connections. */
export function cutOf(seed: number, hosts: readonly string[], lengthsMs: readonly number[], runMs: number): Cut {
  const next = random(seed);
  const lengthMs = lengthsMs[Math.floor(next() * lengthsMs.length)] as number;
  const cut = next() < 0.5 ? hosts : [hosts[Math.floor(next() * hosts.length)] as string];
  return { seed, hosts, cut, lengthMs, kill: next() < 0.34, atMs: Math.round(next() * runMs) };
}

const TASKS = 6;
/** What each host's counter has to hold after a run. */
const EXPECTED = [...Array.from({ length: TASKS }, (_, index) => `task ${String(index)}`), 'handler', 'second 0', 'last'];

/** Two plays whose every task counts on the host; a handler is notified first thing, and a variable is needed at the end. */
function playbook(counter: string, pauseSeconds: number): string {
  const count = (text: string): string => `sh -c "echo ${text} >> ${counter}; sleep ${String(pauseSeconds)}"`;
  return [
    '- name: first', '  hosts: all', '  gather_facts: false', '  tasks:',
    ...Array.from({ length: TASKS }, (_, index) => `    - { name: task ${String(index)}, command: '${count(`task ${String(index)}`)}'${index === 0 ? ', notify: handler, register: kept' : ''} }`),
    '  handlers:', `    - { name: handler, command: '${count('handler')}' }`,
    '- name: second', '  hosts: all', '  gather_facts: false', '  tasks:',
    `    - { name: second, command: '${count('second {{ kept.rc }}')}' }`,
    `    - { name: last, command: '${count('last')}' }`, '',
  ].join('\n');
}

/**
 * Makes a run, cuts the network under it, takes it up again when hosts were given up, and looks what every host counted, what
 * its journal says, and what the recap says.
 * @param pauseSeconds what each task takes at least
 */
export async function cutRun(fleet: Fleet, desk: Desk, cut: Cut, pauseSeconds: number): Promise<CutResult> {
  const counter = `/var/tmp/cut-${String(cut.seed)}`;
  const file = `cut-${String(cut.seed)}.yml`;
  desk.write(file, playbook(counter, pauseSeconds));
  for (const host of cut.hosts) await fleet.exec(host, 'rm', '-f', counter);
  const started = Date.now();
  const running = desk.apply(file, '-l', cut.hosts.join(','), '--json');
  await sleep(cut.atMs);
  if (cut.kill) for (const host of cut.cut) await fleet.exec(host, 'sh', '-c', 'for p in $(pgrep -f "^sshd: root"); do kill -9 $p; done');
  for (const host of cut.cut) link(fleet, host, 'down');
  try {
    await sleep(cut.lengthMs);
  } finally {
    for (const host of cut.cut) link(fleet, host, 'up');
  }
  let ended = await running;
  const run = /"run":"([^"]+)"/.exec(ended.stdout)?.[1] ?? '';
  const lost = ended.stdout.match(/the connection was lost; the run goes on there/g)?.length ?? 0;
  let resumed = 0;
  for (; ended.code !== 0 && resumed < 3 && run !== ''; resumed += 1) ended = await desk.hsmfleet('apply', '--resume', run, '--json');
  const problems = ended.code === 0 ? [] : [`exit code ${String(ended.code)}: ${ended.stderr}${events(ended.stdout).filter(({ type }) => type === 'host_unreachable').map((event) => JSON.stringify(event.error)).join(' ')}`];
  const told = events(ended.stdout).find(({ type }) => type === 'run_finished')?.counts as Record<string, { ok: number; changed: number; failed: number; unreachable: number }> | undefined;
  const shown = JSON.parse((await desk.hsmfleet('runs', 'show', run, '--json')).stdout || '{"hosts":[]}') as { hosts: { host: string; status: string; counts: Record<string, number> }[] };
  for (const host of cut.hosts) {
    const counted = (await fleet.exec(host, 'cat', counter)).stdout.trim().split('\n');
    if (JSON.stringify(counted) !== JSON.stringify(EXPECTED)) problems.push(`${host} counted ${JSON.stringify(counted)}`);
    const journal = (await fleet.exec(host, 'cat', `/var/lib/hsmfleet/runs/${run}/journal.ndjson`)).stdout.trim().split('\n').map((line) => JSON.parse(line || '{}') as Record<string, unknown>);
    const changed = journal.filter(({ type, outcome }) => type === 'task_finished' && outcome === 'changed').length;
    const numbers = journal.map(({ seq }) => seq);
    if (numbers.some((seq, index) => seq !== index)) problems.push(`${host}: the journal's numbers are ${numbers.join(' ')}`);
    if (told?.[host]?.changed !== changed || told[host].failed + told[host].unreachable > 0) problems.push(`${host}: ${String(changed)} in the journal, recap ${JSON.stringify(told?.[host])}`);
    const kept = shown.hosts.find((one) => one.host === host);
    if (kept?.counts.changed !== changed || kept.status !== 'ok') problems.push(`${host}: ${String(changed)} in the journal, history ${JSON.stringify(kept)}`);
  }
  return { ...cut, run, tookMs: Date.now() - started, lost, resumed, problems };
}

function link(fleet: Fleet, host: string, to: 'up' | 'down'): void {
  execFileSync('ip', ['link', 'set', fleet.link(host), to]);
}
