import type { ErrorShape, RunEvent } from '@hsmfleet/contract';
import type { DriftTask, HostDrift } from './model.ts';

/** Collects what a playbook in check mode says of hosts, from the events of its run. */
export class DriftReader {
  readonly #hosts = new Map<string, { tasks: DriftTask[]; error: ErrorShape | null; at: string }>();

  /** Takes an event; those that say nothing about drift are left aside. */
  add(event: RunEvent): void {
    if (event.type === 'play_started') for (const host of event.hosts) this.#of(host, event.at);
    if (event.host === '') return;
    const host = this.#of(event.host, event.at);
    host.at = event.at;
    if (event.type === 'host_unreachable') host.error = event.error;
    if (event.type === 'host_finished' && event.status !== 'ok') {
      host.error ??= event.error ?? { code: 'TASK_FAILED', message: `the playbook ended on the host as ${event.status}` };
    }
    if (event.type !== 'task_finished') return;
    host.tasks.push({
      name: event.name, resource: event.resource, outcome: event.outcome, changes: event.changes, error: event.error ?? null,
      position: event.position ?? null,
    });
    if ((event.outcome === 'failed' || event.outcome === 'refused') && !event.ignored && event.rescued !== true) host.error ??= event.error ?? null;
  }

  /** By host; hosts that no play names are missing. */
  get hosts(): ReadonlyMap<string, HostDrift> {
    return this.#hosts;
  }

  #of(host: string, at: string): { tasks: DriftTask[]; error: ErrorShape | null; at: string } {
    let known = this.#hosts.get(host);
    if (known === undefined) this.#hosts.set(host, (known = { tasks: [], error: null, at }));
    return known;
  }
}
