import { Type, type Static } from '@sinclair/typebox';
import { nullable, strict, time } from './shape.ts';

/** A schedule and how it stands. */
export const Schedule = Type.Object(
  {
    name: Type.String(),
    cron: Type.String({ description: 'cron expression' }),
    timezone: Type.String({ description: 'IANA name' }),
    profile: nullable(Type.String({ description: 'what it checks' })),
    playbook: nullable(Type.String({ description: 'or which playbook it runs, in check mode' })),
    pattern: nullable(Type.String({ description: 'on which hosts; null: all' })),
    nextAt: nullable(time('when it is due next')),
    lastStartedAt: nullable(time('start of its last turn')),
    lastFinishedAt: nullable(time('end of its last turn')),
    running: nullable(Type.String({ description: 'id of the check that goes on just now' })),
    outcome: nullable(Type.String({ description: 'how its last turn ended' })),
    error: nullable(Type.String({ description: 'what went wrong in it' })),
  },
  strict,
);
export type Schedule = Static<typeof Schedule>;

/** GET /schedules */
export const ScheduleList = Type.Object(
  {
    items: Type.Array(Schedule),
    problem: nullable(Type.String({ description: 'why the file of schedules, as it is now, is not in force; null when it is' })),
  },
  strict,
);
export type ScheduleList = Static<typeof ScheduleList>;

/** The answer to POST /schedules/:name/run */
export const ScheduleStart = Type.Object({ check: Type.String({ description: 'id of the check that was started' }) }, strict);
export type ScheduleStart = Static<typeof ScheduleStart>;
