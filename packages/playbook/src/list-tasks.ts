import { Deferred, type Value } from '@hsmfleet/contract';
import type { ExpandedPlay, ExpandedStep } from './expanded.ts';
import type { ListedPlay, ListedTask } from './model.ts';
import type { PlaySource } from './source.ts';

/** What a play comes to, for people: no host is looked at. */
export function listTasks(play: PlaySource, { steps }: ExpandedPlay): ListedPlay {
  return { name: play.name, pattern: play.hosts.value, tags: [...play.keywords.tags], tasks: steps.flatMap((step) => listed(step, false)) };
}

function listed(step: ExpandedStep, included: boolean): ListedTask[] {
  switch (step.kind) {
    case 'block': return [...step.block, ...step.rescue, ...step.always].flatMap((each) => listed(each, included));
    case 'meta': return step.implicit ? [] : [{ name: `meta ${step.meta}`, tags: step.tags, included }];
    case 'task': return [{ name: shown(step.name, step.frame.role?.name, step.resource.name), tags: step.tags, included }];
    case 'include': return [
      { name: shown(step.name, step.frame.role?.name, step.action), tags: step.tags, included },
      ...[...step.bodies.values()].flatMap((body) => body.steps.flatMap((each) => listed(each, true))),
    ];
  }
}

function shown(name: Value | undefined, role: string | undefined, fallback: string): string {
  const text = name instanceof Deferred ? name.text : typeof name === 'string' || typeof name === 'number' ? String(name) : fallback;
  return role === undefined ? text : `${role} : ${text}`;
}
