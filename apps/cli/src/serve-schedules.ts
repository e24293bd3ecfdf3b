import type { Scheduler, ScheduleStatus } from '@hsmfleet/scheduler';
import type { ScheduleControl } from '@hsmfleet/web-api';
import type { ServeSchedule } from './serve-configuration.ts';
import type { Log } from './serve-log.ts';

/** What the dashboard sees of schedules, and may start. @param problem why the file, as it is now, is not in force; null when it is */
export function scheduleControl(scheduler: Scheduler<ServeSchedule>, problem: () => string | null, log: Log): ScheduleControl {
  return {
    list: () => Promise.resolve({ items: scheduler.status().filter(({ removed }) => !removed).map(describe), problem: problem() }),
    run(name, user) {
      const asked = scheduler.ask(name);
      if (asked.answer === 'unknown') return Promise.resolve(undefined);
      if (asked.answer === 'running') return Promise.resolve('busy' as const);
      log('info', 'a schedule was asked for', { schedule: name, user, run: asked.id });
      return Promise.resolve({ check: asked.id });
    },
  };
}

function describe({ schedule, state, nextAt, running }: ScheduleStatus<ServeSchedule>): Awaited<ReturnType<ScheduleControl['list']>>['items'][number] {
  return {
    name: schedule.name, cron: schedule.cron, timezone: schedule.timezone,
    profile: schedule.work.kind === 'profile' ? schedule.work.profile : null,
    playbook: schedule.work.kind === 'playbook' ? schedule.work.playbook : null,
    pattern: schedule.pattern ?? null,
    nextAt: nextAt?.toISOString() ?? null,
    lastStartedAt: state.lastStartedAt, lastFinishedAt: state.lastFinishedAt,
    running: running?.id ?? null, outcome: state.outcome, error: state.error,
  };
}
