import type { RunEvent } from '@hsmfleet/contract';
import type { LiveEvent } from './schemas/index.ts';

/** What a page shows of an event; undefined for those that it shows nothing of. */
export function toLiveEvent(event: RunEvent): LiveEvent | undefined {
  const base: Omit<LiveEvent, 'type'> = {
    at: event.at, host: event.host, task: null, name: null, outcome: null, status: null, changes: [], message: null, exitCode: null, hosts: null,
  };
  switch (event.type) {
    case 'run_started': return { ...base, type: event.type, name: event.playbook, hosts: event.hosts.length };
    case 'play_started': return { ...base, type: event.type, name: event.name };
    case 'host_started': return { ...base, type: event.type, status: 'running' };
    case 'task_started': return { ...base, type: event.type, task: event.task, name: event.name };
    case 'task_finished':
      return {
        ...base, type: event.type, task: event.task, name: event.name, outcome: event.outcome, changes: event.changes,
        message: event.error?.message ?? event.message ?? null,
      };
    case 'progress': return { ...base, type: event.type, task: event.task, message: event.message };
    case 'warning': return { ...base, type: event.type, message: event.message };
    case 'run_resumed': return { ...base, type: 'warning', message: `${event.user} takes the run up again` };
    case 'host_finished': return { ...base, type: event.type, status: event.status, message: event.error?.message ?? null };
    case 'host_unreachable': return { ...base, type: event.type, status: 'unreachable', message: event.error.message };
    case 'play_stopped': return { ...base, type: event.type, message: event.reason };
    case 'run_finished': return { ...base, type: event.type, exitCode: event.exitCode };
    default: return undefined;
  }
}
