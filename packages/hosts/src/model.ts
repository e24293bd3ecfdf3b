import type { SourcePosition, Value } from '@hsmfleet/contract';
import type { VariableLayer, VariableOrigin } from './variable-levels.ts';

/** One host of a hosts file with the variables that groups, group_vars and host_vars give it, merged. */
export interface HostEntry {
  name: string;
  /** Merged in Ansible's order: all, parent groups, groups (by depth, priority, then name), host; *_vars files over inline. */
  vars: Record<string, Value>;
  /** Groups it is in, parents included, sorted; without `all`. */
  groups: string[];
  position: SourcePosition;
  /** Where the variables come from, lowest precedence first; those of groups one by one. */
  readonly layers: readonly VariableLayer[];
  /** Where one of {@link HostEntry.vars} comes from, and what it overrode; undefined for a name that has no value. */
  origins(name: string): VariableOrigin | undefined;
}

/** A group as the hosts files have it. */
export interface GroupEntry {
  /** Direct hosts, in the order of the hosts files. */
  hosts: readonly string[];
  /** Direct children, in the order of the hosts files. */
  children: readonly string[];
}

/** The machines a control host knows. */
export interface HostsModel {
  /** In the order of the hosts files. */
  readonly hosts: ReadonlyMap<string, HostEntry>;
  /** Hosts by group, those of its children included; `all` and `ungrouped` too. In the order in which plays take them. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** What each group consists of. */
  readonly tree: ReadonlyMap<string, GroupEntry>;
  /**
   * Hosts a pattern names: `web:&prod:!old`, `web[0:19]`, `*`, `~regex`, comma or colon separated; in the order of the
   * pattern, and of a group's hosts as in Ansible.
   * @param limit a further pattern (`--limit`); also `@FILE`
   * @throws HsmfleetError HOST_PATTERN for a name that is neither host nor group (with the nearest known one)
   */
  select(pattern: string, limit?: string): string[];
  /** A host by name; also the control host itself (`localhost`) when no hosts file names it. */
  find(name: string): HostEntry | undefined;
  /** What a person should know, for example a secret file that others can read. */
  readonly warnings: readonly string[];
}
