import { decodeValue, type Value, type WireValue } from '@hsmfleet/contract';
import type { Scope } from '@hsmfleet/template';
import { taskScope } from './host-variables.ts';
import type { RunContext } from './run-context.ts';

/** Decodes a record of wire values. */
export function decodeAll(values: Readonly<Record<string, unknown>> | undefined, secrets: Record<string, { value: string; origin: string }>): Record<string, Value> {
  if (values === undefined) return {};
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, decodeValue(value as WireValue, secrets)]));
}

/** The variables that a step sees, with further ones on top. */
export function stepScope(context: RunContext, { scope, vars, top }: { scope: string | undefined; vars: Record<string, Value>; top: Record<string, Value> }): (own: Record<string, Value>) => Scope {
  const layers = {
    facts: context.facts, play: context.playVars, scope: context.scopeVars(scope), task: vars, session: context.session,
    top: { ...top, ...context.outer }, extra: context.extraVars,
  };
  return (own) => taskScope(layers, own);
}
