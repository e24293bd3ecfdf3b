import type { PlannedTask, Rendered } from '@hsmfleet/contract';
import type { Session } from './host-variables.ts';

/** What a rescue section, and what comes after it, sees of a failure: `ansible_failed_task`, `ansible_failed_result`. */
export function rememberFailure({ id, name, resource, position }: Pick<PlannedTask, 'id' | 'name' | 'resource' | 'position'>, result: Record<string, Rendered>, { vars }: Pick<Session, 'vars'>): void {
  vars.ansible_failed_task = { name, action: resource, id, position: { ...position } };
  vars.ansible_failed_result = result;
}
