import type { PlannedStep, PlannedTask } from './plan.ts';

/** All tasks of steps, in the order in which they stand there: those in blocks and includes too. */
export function* tasksIn(steps: readonly PlannedStep[]): Generator<PlannedTask, void, undefined> {
  for (const step of steps) {
    switch (step.kind) {
      case 'block':
        yield* tasksIn(step.block);
        yield* tasksIn(step.rescue);
        yield* tasksIn(step.always);
        break;
      case 'include':
        for (const body of Object.values(step.bodies)) yield* tasksIn(body);
        break;
      case 'meta': break;
      default: yield step;
    }
  }
}

/** The same steps with every task, wherever it stands, replaced by what `change` makes of it. */
export function mapTasks(steps: readonly PlannedStep[], change: (task: PlannedTask) => PlannedTask): PlannedStep[] {
  return steps.map((step) => {
    switch (step.kind) {
      case 'block': return { ...step, block: mapTasks(step.block, change), rescue: mapTasks(step.rescue, change), always: mapTasks(step.always, change) };
      case 'include': return { ...step, bodies: Object.fromEntries(Object.entries(step.bodies).map(([name, body]) => [name, mapTasks(body, change)])) };
      case 'meta': return step;
      default: return change(step);
    }
  });
}

/** How many tasks a host works through when all goes well: without those of rescue sections and of files that may be included. */
export function countTasks(steps: readonly PlannedStep[]): number {
  let count = 0;
  for (const step of steps) {
    if (step.kind === 'block') count += countTasks(step.block) + countTasks(step.always);
    else if (step.kind !== 'meta') count += 1;
  }
  return count;
}
