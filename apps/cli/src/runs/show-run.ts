import { createColors, errorLines, formatTable, printable, printableJson, wantsColor, type Colors } from '@hsmfleet/reporter';
import { openStore, type RunControl, type RunSummaryRow } from '@hsmfleet/store';
import { HsmfleetError } from '@hsmfleet/contract';
import { findRun } from '../find-run.ts';
import { cancelText, isHeld, type KeptRequest } from '../run-control.ts';
import { outcomeOf } from './list-runs.ts';
import { tellStory, type HostStory, type RunStory } from './run-story.ts';

export interface ShowRunOptions {
  host?: string[];
  json?: true;
}

/**
 * Prints one run: what was asked for, each host, and what went wrong; every task of the hosts that are named.
 * @returns 0
 * @throws HsmfleetError USAGE, STORE
 */
export async function showRun(given: string, { host: wanted, json }: ShowRunOptions): Promise<number> {
  const store = await openStore();
  try {
    const { id, row, control } = await findRun(store, given);
    const story = tellStory((await store.runEvents(id)).map(({ event }) => event));
    const unknown = wanted?.find((name) => !story.hosts.some(({ host }) => host === name));
    if (unknown !== undefined) throw new HsmfleetError('USAGE', `run ${id} has no host ${unknown}`, { hint: `"hsmfleet runs show ${id}" lists its hosts` });
    const hosts = wanted === undefined ? story.hosts : story.hosts.filter(({ host }) => wanted.includes(host));
    if (json === true) process.stdout.write(`${printableJson({ id, ...row, outcome: row === undefined ? 'cut off' : outcomeOf(row, control), request: control?.request ?? null, cancel: control?.cancel ?? null, ...story, hosts })}\n`);
    else process.stdout.write(text({ id, row, control }, story, hosts, wanted !== undefined, createColors(wantsColor(process.stdout))));
    return 0;
  } finally {
    await store.close();
  }
}

function text({ id, row, control }: { id: string; row: RunSummaryRow | undefined; control: RunControl | undefined }, story: RunStory, hosts: readonly HostStory[], tasks: boolean, colors: Colors): string {
  const kept = control?.request as KeptRequest | undefined;
  const outcome = row === undefined ? 'cut off before anything was told' : outcomeOf(row, control);
  const facts: [string, string | undefined][] = [
    ['run', id],
    ['playbook', row === undefined ? kept?.playbook : `${row.playbook}${row.check ? ' (check mode)' : ''}`],
    ['asked for', kept === undefined ? undefined : requestText(kept)],
    ['by', row?.user], ['started', row?.startedAt], ['finished', row?.finishedAt],
    ['outcome', outcome],
    ['stopped', control?.cancel === undefined ? story.stopped : cancelText(control.cancel)],
    ['taken up', story.resumed === 0 ? undefined : `${String(story.resumed)} ${story.resumed === 1 ? 'time' : 'times'}`],
    ['retry of', kept?.retryOf],
  ];
  const head = facts.flatMap(([label, value]) => (value === undefined ? [] : [`${label.padEnd(10)}${printable(value)}\n`])).join('');
  const table = formatTable(['host', 'outcome', 'ok', 'changed', 'skipped', 'failed', 'refused', 'ignored'], hosts.map(({ host, status, counts }) => [host, status, counts.ok, counts.changed, counts.skipped, counts.failed, counts.refused, counts.ignored]), colors);
  const more = hosts.map((host) => [tasks ? tasksOf(host, colors) : '', errorOf(host, colors)].filter((part) => part !== '').join('\n')).join('');
  return `${head}\n${hosts.length === 0 ? 'what its hosts did is not kept any more\n' : table}${more === '' ? '' : `\n${more}`}${nextStep(id, kept, control, story, row)}`;
}

/** What to do about a run that did not end well. */
function nextStep(id: string, kept: KeptRequest | undefined, control: RunControl | undefined, story: RunStory, row: RunSummaryRow | undefined): string {
  if (kept === undefined || control === undefined || isHeld(control)) return '';
  const open = story.hosts.some(({ status }) => status === 'running' || status === 'stopped' || status === 'unreachable' || status === 'not begun');
  const failed = story.hosts.some(({ status }) => status === 'failed' || status === 'refused');
  const lines = [
    ...(open || row?.finishedAt === undefined ? [`hsmfleet apply --resume ${id}   goes on with it`] : []),
    ...(failed ? [`hsmfleet apply --retry ${id}    runs it again on the hosts that failed`] : []),
  ];
  return lines.length === 0 ? '' : `\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** Options as a person would type them. */
function requestText({ playbook, options, extraFiles, extraNames }: KeptRequest): string {
  const words = Object.entries(options).flatMap(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [option];
    return [value].flat().map((one) => `${option} ${String(one)}`);
  });
  return ['apply', playbook, ...words, ...extraFiles.map((file) => `-e ${file}`), ...extraNames.map((name) => `-e ${name}=…`)].join(' ');
}

function tasksOf({ host, status, tasks }: HostStory, colors: Colors): string {
  const rows = tasks.map((task) => [task.task, task.outcome + (task.ignored ? ' (ignored)' : ''), Math.round(task.durationMs), `${task.handler ? 'handler: ' : ''}${task.name === '' ? task.resource : task.name}`, task.error?.message ?? (task.changes.length > 0 ? task.changes.join('; ') : task.message ?? '')]);
  return `${colors.bold(`${printable(host)}: ${status}`)}\n${rows.length === 0 ? 'no task ended\n' : formatTable(['task', 'outcome', 'ms', 'name', 'what'], rows, colors)}\n`;
}

function errorOf({ host, status, error, tasks }: HostStory, colors: Colors): string {
  if (error === undefined) return '';
  const task = tasks.findLast((one) => one.error !== undefined && !one.ignored);
  const position = error.position ?? task?.position;
  const where = task === undefined ? '' : ` in "${printable(task.name === '' ? task.resource : task.name)}"`;
  return `${colors.red(`${printable(host)}: ${status}`)}${where}\n${errorLines({ ...error, ...(position === undefined ? {} : { position }) }, colors).map((line) => `  ${line}\n`).join('')}`;
}
