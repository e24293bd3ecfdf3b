import { PROTOCOL, type Plan, type PlannedTask } from '@hsmfleet/contract';

/** A task of a plan for tests: what is not said is left out. */
export function task(id: string, resource: string, params: unknown, more: Partial<PlannedTask> = {}): PlannedTask {
  return { id, name: `task ${id}`, resource, params, position: { file: 'play.yml', line: 1, column: 1 }, ...more };
}

/** A plan for tests. */
export function plan(run: string, tasks: PlannedTask[], more: Partial<Plan> = {}): Plan {
  return {
    protocol: PROTOCOL,
    run,
    user: 'tester',
    play: { index: 0, name: 'test play' },
    host: 'h1',
    check: false,
    diff: false,
    gatherFacts: true,
    tasks,
    handlers: [],
    vars: {},
    secrets: {},
    onDisconnect: 'finish',
    ...more,
  };
}
