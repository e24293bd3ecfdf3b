import { decodeValue, type PlannedTask, type Rendered, type Value, type WireValue } from '@hsmfleet/contract';
import { renderValue, type Scope } from '@hsmfleet/template';
import { pause } from './pause.ts';
import { secondsOf } from './retry.ts';

/** What has a loop: a task or an include. */
export type Looped = Pick<PlannedTask, 'loopVar' | 'loopControl' | 'position'>;

/** The variables that one item of a loop brings along. */
export function itemVariables({ loopVar = 'item', loopControl }: Looped, items: readonly Rendered[], index: number): Record<string, Rendered> {
  const item = items[index] as Rendered;
  const variables: Record<string, Rendered> = { [loopVar]: item, ansible_loop_var: loopVar };
  if (loopControl?.indexVar !== undefined) {
    variables[loopControl.indexVar] = index;
    variables.ansible_index_var = loopControl.indexVar;
  }
  if (loopControl?.extended === true) {
    const { length } = items;
    variables.ansible_loop = {
      allitems: [...items], index: index + 1, index0: index, first: index === 0, last: index + 1 === length, length, revindex: length - index, revindex0: length - index - 1,
      ...(index === 0 ? {} : { previtem: items[index - 1] as Rendered }),
      ...(index + 1 === length ? {} : { nextitem: items[index + 1] as Rendered }),
    };
  }
  return variables;
}

/** What people see in place of the item; undefined when nothing else was asked for. @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID */
export function itemLabel({ loopControl }: Looped, scope: Scope, secrets: Record<string, { value: string; origin: string }>): Value | undefined {
  return loopControl?.label === undefined ? undefined : renderValue(decodeValue(loopControl.label as WireValue, secrets), scope);
}

/** Waits between two items, when that is asked for. @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, PARAMS_INVALID */
export async function pauseBetween({ loopControl, position }: Looped, scope: Scope, secrets: Record<string, { value: string; origin: string }>, signal: AbortSignal | undefined): Promise<void> {
  if (loopControl?.pause === undefined) return;
  await pause(secondsOf(renderValue(decodeValue(loopControl.pause as WireValue, secrets), scope), 'pause', position) * 1000, signal);
}
