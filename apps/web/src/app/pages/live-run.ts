import type { LiveEvent, RunHost, RunStatus } from '@hsmfleet/web-api/schemas';

/** What is known of a host from the events of a run. */
export interface LiveHost {
  status: RunStatus;
  /** The task that it works on, or what it says of it; null between tasks. */
  now: string | null;
  ended: number;
  changed: number;
  failed: number;
}

/** A run as its events tell it. */
export interface LiveRun {
  hosts: Map<string, LiveHost>;
  /** Hosts that it is about; null before its first event. */
  size: number | null;
  /** Name of the play under way. */
  play: string | null;
  /** The newest lines worth telling, newest first. */
  log: { at: string; host: string; text: string; tone: 'fail' | 'error' | 'busy' | 'pass' }[];
  finished: boolean;
  exitCode: number | null;
}

/** Lines kept of the log. */
export const LOG_LINES = 60;

/** Before the first event. */
export function emptyRun(): LiveRun {
  return { hosts: new Map(), size: null, play: null, log: [], finished: false, exitCode: null };
}

/** Adds events, oldest first. The map of hosts is changed in place, the rest is new: so a page sees that something is new. */
export function addEvents(run: LiveRun, events: readonly LiveEvent[]): LiveRun {
  const next = { ...run, log: [...run.log] };
  for (const event of events) addEvent(next, event);
  next.log.length = Math.min(next.log.length, LOG_LINES);
  return next;
}

function addEvent(run: LiveRun, event: LiveEvent): void {
  const say = (tone: LiveRun['log'][number]['tone'], text: string): void => {
    run.log.unshift({ at: event.at, host: event.host, text, tone });
  };
  const host = event.host === '' ? undefined : hostOf(run, event.host);
  switch (event.type) {
    case 'play_started':
      run.play = event.name;
      break;
    case 'task_started':
      if (host !== undefined) host.now = event.name;
      break;
    case 'progress':
      if (host !== undefined && event.message !== null) host.now = event.message;
      break;
    case 'task_finished':
      if (host === undefined) break;
      host.ended += 1;
      host.now = null;
      if (event.outcome === 'changed') {
        host.changed += 1;
        say('busy', `${event.name ?? 'task'}: ${event.changes.join('; ') || 'changed'}`);
      }
      if (event.outcome === 'failed' || event.outcome === 'refused') {
        host.failed += 1;
        say('fail', `${event.name ?? 'task'} ${event.outcome}${event.message === null ? '' : `: ${event.message}`}`);
      }
      break;
    case 'warning':
      say('error', event.message ?? 'warning');
      break;
    case 'host_finished':
      if (host === undefined) break;
      host.status = event.status ?? 'ok';
      host.now = null;
      if (host.status !== 'ok') say('fail', `${host.status}${event.message === null ? '' : `: ${event.message}`}`);
      break;
    case 'host_unreachable':
      if (host === undefined) break;
      host.status = 'unreachable';
      host.now = null;
      say('fail', `unreachable${event.message === null ? '' : `: ${event.message}`}`);
      break;
    case 'play_stopped':
      say('error', `the play was stopped${event.message === null ? '' : `: ${event.message}`}`);
      break;
    case 'run_finished':
      run.finished = true;
      run.exitCode = event.exitCode;
      say(event.exitCode === 0 ? 'pass' : 'fail', `finished with exit code ${String(event.exitCode)}`);
      break;
    case 'run_started':
      run.size = event.hosts;
      break;
    case 'host_started':
      break;
  }
}

function hostOf(run: LiveRun, name: string): LiveHost {
  const known = run.hosts.get(name);
  // a host that a new play begins on again is at work again; its end of that play sets the status anew
  if (known !== undefined) return known;
  const host: LiveHost = { status: 'running', now: null, ended: 0, changed: 0, failed: 0 };
  run.hosts.set(name, host);
  return host;
}

/** A host of a run as the page shows it. */
export interface ShownHost extends LiveHost {
  host: string;
  error: string | null;
}

/** What the store knew when the page was opened, overlaid by what the events told since. */
export function mergeHosts(stored: readonly RunHost[], live: LiveRun): ShownHost[] {
  const names = new Set([...stored.map(({ host }) => host), ...live.hosts.keys()]);
  const byName = new Map(stored.map((row) => [row.host, row]));
  return [...names].map((host) => {
    const row = byName.get(host);
    const now = live.hosts.get(host);
    const fromStore = {
      status: row?.status ?? 'running', now: null, ended: row === undefined ? 0 : row.ok + row.skipped + row.failed + row.refused, changed: row?.changed ?? 0,
      failed: row === undefined ? 0 : row.failed + row.refused,
    } as const;
    return { ...(now ?? fromStore), host, error: row?.error ?? null };
  });
}
