import { bareNameOf, nameOf } from './compile-task.ts';
import type { ExpandedInclude, ExpandedStep, ExpandedTask } from './expanded.ts';
import type { Variables } from './variables.ts';

type Handler = ExpandedTask | ExpandedInclude;

/** Which handler each name stands for. */
export interface HandlerNames {
  /** Every name that can be notified. */
  names: ReadonlySet<string>;
  /** Names that a handler answers to, besides the one that is shown. Undefined: nothing can reach it. */
  answersTo(handler: ExpandedStep): string[] | undefined;
}

/**
 * Resolves names of handlers: with and without the name of their role, and what they listen to. Of several with the same
 * name, those of the play stand before those of roles, and in one file the first before the others, as in Ansible.
 */
export function resolveHandlers(handlers: readonly ExpandedStep[], variablesOf: (handler: Handler) => Variables): HandlerNames {
  const winners = new Map<string, Handler>();
  const groups: Handler[][] = [];
  for (const handler of handlers) {
    if (handler.kind !== 'task' && handler.kind !== 'include') continue;
    const group = groups.at(-1);
    if (group?.[0]?.source === handler.source && group[0].frame.scope === handler.frame.scope) group.push(handler);
    else groups.push([handler]);
  }
  const shown = new Map<Handler, { full: string; bare: string }>();
  for (const handler of groups.toReversed().flat()) {
    const variables = variablesOf(handler);
    const own = { full: nameOf(handler, variables), bare: bareNameOf(handler, variables) };
    shown.set(handler, own);
    if (handler.name === undefined || handler.name === null) continue;
    for (const name of [own.full, own.bare]) if (!winners.has(name)) winners.set(name, handler);
  }
  const listened = new Set([...shown.keys()].flatMap(({ listen }) => listen));
  return {
    names: new Set([...winners.keys(), ...listened]),
    answersTo(handler) {
      if (handler.kind !== 'task' && handler.kind !== 'include') return [];
      const own = shown.get(handler);
      if (own === undefined) return undefined;
      const won = [own.full, own.bare].filter((name) => winners.get(name) === handler);
      if (won.length === 0 && handler.listen.length === 0) return undefined;
      return [...new Set([...handler.listen, ...won.filter((name) => name !== own.full)])];
    },
  };
}
