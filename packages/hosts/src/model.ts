import type { SourcePosition, Value } from '@hsmfleet/contract';

/** One host of a hosts file with the variables that groups, group_vars and host_vars give it, merged. */
export interface HostEntry {
  name: string;
  /** Merged in Ansible's order: all, parent groups, groups (by depth, then name), host; *_vars files over inline. */
  vars: Record<string, Value>;
  /** Groups it is in, parents included, sorted; without `all`. */
  groups: string[];
  position: SourcePosition;
}

/** The machines a control host knows. */
export interface HostsModel {
  /** In the order of the hosts files. */
  readonly hosts: ReadonlyMap<string, HostEntry>;
  /** Hosts by group, `all` and `ungrouped` included. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /**
   * Hosts a pattern names: `web:&prod:!old`, `web[01:20]`, `*`, `~regex`, comma or colon separated, in file order.
   * @param limit a further pattern (`--limit`); also `@FILE`
   * @throws HsmfleetError HOST_PATTERN for a name that is neither host nor group (with the nearest known one)
   */
  select(pattern: string, limit?: string): string[];
  /** A host by name; also the control host itself (`localhost`) when no hosts file names it. */
  find(name: string): HostEntry | undefined;
  /** What a person should know, for example a secret file that others can read. */
  readonly warnings: readonly string[];
}
