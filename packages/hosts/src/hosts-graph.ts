import type { SourcePosition, Value } from '@hsmfleet/contract';

export type Variables = Record<string, Value>;

/** A place in a hosts file, with its line. */
export interface Place {
  position: SourcePosition;
  excerpt: string | undefined;
}

/** Variables that hosts files give to a group or a host, with the place of each. */
export interface Described {
  name: string;
  vars: Variables;
  places: Map<string, SourcePosition>;
}

/** A group as the hosts files describe it. */
export interface Group extends Described {
  /** Direct children, in the order of the files. */
  children: Set<string>;
  /** Direct hosts, in the order of the files. */
  hosts: Set<string>;
  /** `ansible_group_priority`: of groups of one depth, the higher one overrides. */
  priority: number;
  /** Where it is first named; undefined for the groups that always exist. */
  place: Place | undefined;
}

/** A host as the hosts files describe it, before groups and vars files. */
export interface Host extends Described {
  position: SourcePosition;
}

/** Orders groups among those of the same depth; it is no variable of hosts. */
export const PRIORITY = 'ansible_group_priority';

/** Groups and hosts while they are read, and the questions about them. */
export class HostsGraph {
  readonly groups = new Map<string, Group>();
  readonly hosts = new Map<string, Host>();

  constructor() {
    this.group('all').children.add('ungrouped');
    this.group('ungrouped');
  }

  group(name: string, place?: Place): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = { name, children: new Set(), hosts: new Set(), vars: {}, places: new Map(), priority: 1, place };
      this.groups.set(name, group);
    }
    return group;
  }

  /** @param port counts where the host is named first, as in Ansible */
  host(name: string, position: SourcePosition, port?: number): Host {
    let host = this.hosts.get(name);
    if (host === undefined) {
      host = { name, vars: {}, places: new Map(), position };
      this.hosts.set(name, host);
      if (port !== undefined) assign(host, 'ansible_port', port, position);
    }
    return host;
  }

  /** Call when everything is read: groups without a parent become children of `all`, hosts without a group ungrouped. */
  complete(): void {
    const all = this.group('all');
    const children = new Set([...this.groups.values()].flatMap((group) => [...group.children]));
    for (const name of this.groups.keys()) if (name !== 'all' && !children.has(name)) all.children.add(name);
    const grouped = new Set([...this.groups.values()].flatMap((group) => (group.name === 'all' || group.name === 'ungrouped' ? [] : [...group.hosts])));
    const ungrouped = this.group('ungrouped');
    for (const name of [...ungrouped.hosts]) if (grouped.has(name)) ungrouped.hosts.delete(name);
    for (const name of this.hosts.keys()) if (!grouped.has(name)) ungrouped.hosts.add(name);
  }

  /** A group that is its own descendant; undefined when there is none. */
  cycle(): string[] | undefined {
    const done = new Set<string>();
    const path: string[] = [];
    const walk = (name: string): string[] | undefined => {
      if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
      if (done.has(name)) return undefined;
      path.push(name);
      for (const child of this.groups.get(name)?.children ?? []) {
        const found = walk(child);
        if (found !== undefined) return found;
      }
      path.pop();
      done.add(name);
      return undefined;
    };
    for (const name of this.groups.keys()) {
      const found = walk(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Hosts of a group and its descendants in Ansible's order: the group's own first, then level by level. */
  members(name: string): string[] {
    const found = new Set<string>();
    const seen = new Set([name]);
    for (const group of seen) {
      for (const host of this.groups.get(group)?.hosts ?? []) found.add(host);
      // a set takes on more while it is walked
      for (const child of this.groups.get(group)?.children ?? []) seen.add(child);
    }
    return [...found];
  }

  /** Groups by host, ancestors included, `all` first, in the order in which their variables override one another. */
  groupsByHost(members: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
    const depths = this.#depths();
    const ordered = [...this.groups.values()].sort(
      (a, b) => (depths.get(a.name) ?? 0) - (depths.get(b.name) ?? 0) || a.priority - b.priority || (a.name < b.name ? -1 : 1),
    );
    const byHost = new Map([...this.hosts.keys()].map((name): [string, string[]] => [name, []]));
    for (const { name } of ordered) for (const host of members.get(name) ?? []) byHost.get(host)?.push(name);
    return byHost;
  }

  /** The longest way from `all` to each group. There must be no cycle. */
  #depths(): Map<string, number> {
    const order: string[] = [];
    const seen = new Set<string>();
    const walk = (name: string): void => {
      if (seen.has(name)) return;
      seen.add(name);
      for (const child of this.groups.get(name)?.children ?? []) walk(child);
      order.push(name);
    };
    walk('all');
    const depths = new Map([['all', 0]]);
    for (const name of order.reverse()) {
      for (const child of this.groups.get(name)?.children ?? []) depths.set(child, Math.max(depths.get(child) ?? 0, (depths.get(name) ?? 0) + 1));
    }
    return depths;
  }
}

/** Gives a group or host a variable; a later value takes the place of an earlier one. */
export function assign(described: Described, name: string, value: Value, position: SourcePosition): void {
  described.vars[name] = value;
  described.places.set(name, position);
}

/**
 * Gives a group a variable, or its priority.
 * @returns what is wrong with it
 */
export function assignToGroup(group: Group, name: string, value: Value, position: SourcePosition): string | undefined {
  if (name !== PRIORITY) {
    assign(group, name, value, position);
    return undefined;
  }
  const priority = typeof value === 'number' ? Math.trunc(value) : typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : undefined;
  if (priority === undefined) return `${PRIORITY} must be a whole number`;
  group.priority = priority;
  return undefined;
}
