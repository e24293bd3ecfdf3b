import type { SourcePosition, Value } from '@hsmfleet/contract';

export type Variables = Record<string, Value>;

/** A group as the hosts files describe it. */
export interface Group {
  name: string;
  /** Direct children, in file order. */
  children: Set<string>;
  /** Direct hosts, in file order. */
  hosts: Set<string>;
  vars: Variables;
  /** Where it is first named; undefined for the groups that always exist. */
  place: { position: SourcePosition; excerpt: string | undefined } | undefined;
}

/** A host as the hosts files describe it, before groups and vars files. */
export interface Host {
  name: string;
  vars: Variables;
  position: SourcePosition;
}

/** Groups and hosts while they are read, and the questions about them. */
export class HostsGraph {
  readonly groups = new Map<string, Group>();
  readonly hosts = new Map<string, Host>();

  constructor() {
    this.group('all');
    this.group('ungrouped');
  }

  group(name: string, place?: Group['place']): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = { name, children: new Set(), hosts: new Set(), vars: {}, place };
      this.groups.set(name, group);
    }
    return group;
  }

  host(name: string, position: SourcePosition): Host {
    let host = this.hosts.get(name);
    if (host === undefined) {
      host = { name, vars: {}, position };
      this.hosts.set(name, host);
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
    ungrouped.hosts.clear();
    for (const name of this.hosts.keys()) if (!grouped.has(name)) ungrouped.hosts.add(name);
  }

  /** A group that is its own descendant; undefined when there is none. */
  cycle(): string[] | undefined {
    const done = new Set<string>();
    const walk = (name: string, path: string[]): string[] | undefined => {
      if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
      if (done.has(name)) return undefined;
      for (const child of this.groups.get(name)?.children ?? []) {
        const found = walk(child, [...path, name]);
        if (found !== undefined) return found;
      }
      done.add(name);
      return undefined;
    };
    for (const name of this.groups.keys()) {
      const found = walk(name, []);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Hosts of a group and its descendants, in file order. */
  members(name: string): string[] {
    if (name === 'all') return [...this.hosts.keys()];
    const found = new Set<string>();
    const seen = new Set<string>();
    const walk = (group: string): void => {
      if (seen.has(group)) return;
      seen.add(group);
      for (const host of this.groups.get(group)?.hosts ?? []) found.add(host);
      for (const child of this.groups.get(group)?.children ?? []) walk(child);
    };
    walk(name);
    return [...this.hosts.keys()].filter((host) => found.has(host));
  }

  /** Groups by host, ancestors included, `all` first, in the order in which their variables override one another. */
  groupsByHost(): Map<string, string[]> {
    const depths = this.#depths();
    const priority = (name: string): number => Number(this.groups.get(name)?.vars.ansible_group_priority ?? 1);
    const ordered = [...this.groups.keys()].sort(
      (a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0) || priority(a) - priority(b) || (a < b ? -1 : 1),
    );
    const byHost = new Map([...this.hosts.keys()].map((name): [string, string[]] => [name, []]));
    for (const group of ordered) for (const host of this.members(group)) byHost.get(host)?.push(group);
    return byHost;
  }

  #depths(): Map<string, number> {
    const depths = new Map<string, number>();
    const walk = (name: string, depth: number): void => {
      if ((depths.get(name) ?? -1) >= depth) return;
      depths.set(name, depth);
      for (const child of this.groups.get(name)?.children ?? []) walk(child, depth + 1);
    };
    walk('all', 0);
    return depths;
  }
}
