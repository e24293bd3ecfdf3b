import { HsmfleetError, decodeValue, type Plan, type PlannedTask, type Rendered, type WireValue } from '@hsmfleet/contract';
import { renderValue, type Scope } from '@hsmfleet/template';
import { firstFalse, type Condition } from './condition.ts';

/**
 * The items of a loop; undefined when they cannot be told and the condition says no anyway.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, PARAMS_INVALID
 */
export function loopItems({ loop, position }: Pick<PlannedTask, 'loop' | 'position'>, when: readonly Condition[], scope: Scope, secrets: Plan['secrets']): Rendered[] | undefined {
  let list: Rendered;
  try {
    list = renderValue(decodeValue(loop as WireValue, secrets), scope);
  } catch (thrown) {
    // `loop: "{{ found.files }}"` with `when: found is defined` skips
    if (thrown instanceof HsmfleetError && thrown.code === 'UNDEFINED_VARIABLE' && firstFalse(when, scope) !== undefined) return undefined;
    throw thrown;
  }
  if (Array.isArray(list)) return list;
  throw new HsmfleetError('PARAMS_INVALID', 'loop needs a list', { position });
}
