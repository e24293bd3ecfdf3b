import type { SourcePosition, Value } from '@hsmfleet/contract';

/**
 * Where a variable can get its value, with Ansible's rank of the place: the higher one wins. The numbers are those of Ansible's
 * documentation (1 is the command line's own options, which are no variables).
 */
export const VARIABLE_LEVELS = {
  'role defaults': 2,
  'group vars in a hosts file': 3,
  'group_vars/all beside the hosts files': 4,
  'group_vars/all beside the playbook': 5,
  'group_vars beside the hosts files': 6,
  'group_vars beside the playbook': 7,
  'host vars in a hosts file': 8,
  'host_vars beside the hosts files': 9,
  'host_vars beside the playbook': 10,
  facts: 11,
  'play vars': 12,
  vars_prompt: 13,
  vars_files: 14,
  'role vars': 15,
  'block vars': 16,
  'task vars': 17,
  include_vars: 18,
  'set_fact and register': 19,
  'role parameters': 20,
  'include parameters': 21,
  'extra vars (-e)': 22,
} as const;

export type VariableLevel = keyof typeof VARIABLE_LEVELS;

/** Variables of one source: a group of a hosts file, a vars file, a play. */
export interface VariableLayer {
  level: VariableLevel;
  /** The group that the variables are of, where the level has several. */
  group?: string | undefined;
  vars: Readonly<Record<string, Value>>;
  /** Where each variable is written, as far as that is known. */
  places: ReadonlyMap<string, SourcePosition>;
}

/** One value that a variable was given. */
export interface VariableSource {
  value: Value;
  level: VariableLevel;
  group?: string | undefined;
  position: SourcePosition | undefined;
}

/** The value that counts, and those that it overrode, the nearest first. */
export interface VariableOrigin extends VariableSource {
  overridden: VariableSource[];
}

/**
 * What layers say of a variable; undefined when none names it.
 * @param layers lowest precedence first
 */
export function originIn(layers: readonly VariableLayer[], name: string): VariableOrigin | undefined {
  const found = layers.flatMap(({ level, group, vars, places }): VariableSource[] => {
    if (!Object.hasOwn(vars, name)) return [];
    return [{ value: vars[name] as Value, level, ...(group === undefined ? {} : { group }), position: places.get(name) }];
  });
  const last = found.pop();
  return last === undefined ? undefined : { ...last, overridden: found.reverse() };
}
