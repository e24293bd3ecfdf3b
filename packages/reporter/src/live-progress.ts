import cliTruncate from 'cli-truncate';
import { createLogUpdate } from 'log-update';
import type { RunEvent } from '@hsmfleet/contract';
import { printable, type Colors } from '@hsmfleet/terminal-text';

/** Milliseconds between two redraws: at most ten a second. */
const REDRAW_MS = 100;
/** Lines of hosts at most, also on a tall terminal. */
const MAX_HOSTS = 12;

interface HostProgress {
  state: 'waiting' | 'connecting' | 'running' | 'done' | 'failed';
  done: number;
  task: string;
}

/** A few lines at the foot of the terminal that tell what every host is doing. */
export interface LiveProgress {
  event(event: RunEvent): void;
  /** Lets `write` print something that stays above the lines, with the next redraw: at most 100 ms later. */
  above(write: () => void): void;
  /** Takes the lines away for good. */
  finish(): void;
}

export interface TerminalStream extends NodeJS.WritableStream {
  columns?: number;
  rows?: number;
}

export function createLiveProgress(stream: TerminalStream, colors: Colors, now: () => number = Date.now): LiveProgress {
  const terminal = createLogUpdate(stream as NodeJS.WriteStream);
  const hosts = new Map<string, HostProgress>();
  const startedAt = now();
  let play = '';
  let tasks = 0;
  let drawnAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let finished = false;
  /** What is to be printed above the lines with the next redraw. */
  const above: (() => void)[] = [];

  function draw(): void {
    clearTimeout(timer);
    timer = undefined;
    if (finished) return;
    drawnAt = now();
    writeAbove();
    if (hosts.size > 0) terminal(frame().join('\n'));
    // the clock goes on while nothing happens
    timer = setTimeout(draw, 1_000).unref();
  }

  function writeAbove(): void {
    if (above.length === 0) return;
    terminal.clear();
    for (const write of above.splice(0)) write();
  }

  function schedule(): void {
    const wait = drawnAt + REDRAW_MS - now();
    clearTimeout(timer);
    if (wait <= 0) draw();
    else timer = setTimeout(draw, wait).unref();
  }

  function frame(): string[] {
    // a terminal of unknown size says 0
    const width = Math.max(20, (stream.columns || 80) - 1);
    const room = Math.max(1, Math.min(MAX_HOSTS, (stream.rows || 24) - 4));
    const all = [...hosts];
    const busy = all.filter(([, { state }]) => state === 'running' || state === 'connecting');
    const count = (state: HostProgress['state']): number => all.filter(([, host]) => host.state === state).length;
    const failed = count('failed');
    const head = [
      colors.bold(play), `${String(count('done') + failed)} of ${String(all.length)} hosts done`,
      ...(failed === 0 ? [] : [colors.red(`${String(failed)} failed`)]),
      `${String(Math.round((now() - startedAt) / 1_000))} s`,
    ].join(' · ');
    const nameWidth = Math.min(24, Math.max(0, ...busy.slice(0, room).map(([name]) => name.length)));
    const lines = busy.slice(0, room).map(([name, host]) => {
      const step = host.state === 'connecting' ? 'connecting' : host.task === '' ? 'starting' : `[${String(Math.min(host.done + 1, tasks))}/${String(tasks)}] ${host.task}`;
      return `  ${printable(name).padEnd(nameWidth)}  ${step}`;
    });
    if (busy.length > room) lines.push(`  … ${String(busy.length - room)} more`);
    return [head, ...lines].map((line) => cliTruncate(line, width));
  }

  function track(event: RunEvent): void {
    if (event.type === 'play_started') {
      play = printable(event.name);
      tasks = event.tasks;
      hosts.clear();
      for (const host of event.hosts) hosts.set(host, { state: 'waiting', done: 0, task: '' });
    } else if (event.type === 'batch_started') {
      for (const host of event.hosts) hosts.set(host, { state: 'connecting', done: 0, task: '' });
    }
    const host = hosts.get(event.host);
    if (host === undefined) return;
    if (event.type === 'host_started') host.state = 'running';
    else if (event.type === 'task_started') { host.state = 'running'; host.task = printable(event.name === '' ? event.resource : event.name); }
    else if (event.type === 'progress') host.task = printable(event.message);
    else if (event.type === 'task_finished') host.done += 1;
    else if (event.type === 'host_unreachable') host.state = 'failed';
    else if (event.type === 'host_finished') host.state = event.status === 'ok' ? 'done' : 'failed';
  }

  return {
    event(event) {
      track(event);
      schedule();
    },
    above(write) {
      above.push(write);
      schedule();
    },
    finish() {
      finished = true;
      clearTimeout(timer);
      terminal.clear();
      writeAbove();
      terminal.done();
    },
  };
}
