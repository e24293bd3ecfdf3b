import { CONTROL_SEQ_BASE, countEvent, emptyCounts, type Counts, type ErrorShape, type RunEvent, type TaskFinished } from '@hsmfleet/contract';

/** How a run stands on one host. */
export type HostEnd = 'running' | 'ok' | 'failed' | 'refused' | 'stopped' | 'unreachable' | 'not begun';

/** What happened on one host in a run. */
export interface HostStory {
  host: string;
  status: HostEnd;
  counts: Counts;
  error?: ErrorShape;
  /** In the order in which they ended. */
  tasks: TaskFinished[];
}

/** A run as its events tell it. */
export interface RunStory {
  hosts: HostStory[];
  /** How often it was taken up again. */
  resumed: number;
  /** Why a play was stopped before its end, the last time. */
  stopped?: string;
}

/** What the stored events of a run come to, in the order in which they were stored. */
export function tellStory(events: Iterable<RunEvent>): RunStory {
  const hosts = new Map<string, HostStory>();
  const story: RunStory = { hosts: [], resumed: 0 };
  const of = (host: string): HostStory => {
    let known = hosts.get(host);
    if (known === undefined) hosts.set(host, (known = { host, status: 'not begun', counts: emptyCounts(), tasks: [] }));
    return known;
  };
  for (const event of events) {
    if (event.type === 'run_started') for (const host of event.hosts) of(host);
    if (event.type === 'play_stopped') story.stopped = event.reason;
    if (event.type === 'run_resumed') {
      story.resumed += 1;
      delete story.stopped;
      for (const host of hosts.values()) forgetControl(host);
    }
    if (event.host !== '') take(of(event.host), event);
  }
  story.hosts = [...hosts.values()];
  for (const host of story.hosts) for (const task of host.tasks) countEvent({ [host.host]: host.counts }, task);
  return story;
}

/** What the control host said of a host that it lost or could not prepare is no longer so once the run is taken up again. */
function forgetControl(host: HostStory): void {
  const own = host.tasks.some(({ seq }) => seq >= CONTROL_SEQ_BASE);
  host.tasks = host.tasks.filter(({ seq }) => seq < CONTROL_SEQ_BASE);
  if (!own && host.status !== 'unreachable' && host.status !== 'stopped') return;
  host.status = host.tasks.length === 0 ? 'not begun' : 'running';
  host.counts.unreachable = 0;
  delete host.error;
}

function take(host: HostStory, event: RunEvent): void {
  if (host.status === 'not begun') host.status = 'running';
  if (event.type === 'task_finished') {
    host.tasks.push(event);
    if (event.error !== undefined && !event.ignored) host.error = event.error;
  } else if (event.type === 'host_unreachable') {
    host.status = 'unreachable';
    host.counts.unreachable += 1;
    host.error = event.error;
  } else if (event.type === 'host_finished') {
    // a play that went well does not hide that an earlier one did not
    if (host.status === 'running' || host.status === 'ok' || host.status === 'stopped') host.status = event.status;
    if (event.error !== undefined) host.error = event.error;
  }
}

/** What makes two tasks of two runs the same one: where it stands, and its name and resource when the playbook moved. */
export function taskKey({ task, name, resource }: Pick<TaskFinished, 'task' | 'name' | 'resource'>): string {
  return JSON.stringify([name === '' ? task : name, resource]);
}
