import { Deferred, decodeValue, type Value, type WireValue } from '@hsmfleet/contract';
import { isTrue, renderValue, type Scope } from '@hsmfleet/template';

/** One entry of `when`, `changed_when` or `failed_when`, decoded. */
export interface Condition {
  value: Value;
  /** The condition as the playbook has it, for messages. */
  text: string;
}

/** Decodes a plan's list of conditions. */
export function decodeConditions(
  conditions: readonly unknown[] | undefined,
  secrets: Record<string, { value: string; origin: string }>,
): Condition[] {
  return (conditions ?? []).map((condition) => {
    const value = decodeValue(condition as WireValue, secrets);
    return { value, text: value instanceof Deferred ? value.text : String(value) };
  });
}

/**
 * The first condition that does not hold, undefined when all do. Later ones are not evaluated, so that
 * `when: [x is defined, x.y]` works.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID
 */
export function firstFalse(conditions: readonly Condition[], scope: Scope): Condition | undefined {
  return conditions.find((condition) => !isTrue(renderValue(condition.value, scope)));
}
