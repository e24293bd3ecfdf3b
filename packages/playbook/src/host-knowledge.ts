import { dirname } from 'node:path';
import { HsmfleetError, isDeferred, Secret, type Value } from '@hsmfleet/contract';
import type { HostEntry, HostsModel } from '@hsmfleet/hosts';
import { lazyMapping, renderValue, scopeOf } from '@hsmfleet/template';
import type { CompileOptions } from './model.ts';

/** What the magic variables of a play say. */
export interface PlayFacts {
  name: string;
  hosts: readonly string[];
  /** Folder of the playbook file. */
  folder: string;
  batchOf(host: string): readonly string[];
  /** Names of the roles that the play uses, in order, and of those that they depend on. */
  roles: readonly string[];
  dependencies: readonly string[];
}

/** For where no play is under way: names are looked at, or a host is reached for others. */
export function factsOfNoPlay(folder: string): PlayFacts {
  return { name: '', hosts: [], folder, batchOf: () => [], roles: [], dependencies: [] };
}

/** Magic variables, and the view that hosts have of one another. Made once per playbook. */
export class HostKnowledge {
  readonly #hosts: HostsModel;
  readonly #options: CompileOptions;
  readonly #groups: Value;
  readonly #hostvars: Value;
  #shipped: Value | undefined;

  constructor(options: CompileOptions) {
    this.#hosts = options.hosts;
    this.#options = options;
    this.#groups = Object.fromEntries([...options.hosts.groups].map(([name, hosts]) => [name, [...hosts]]));
    this.#hostvars = lazyMapping(options.hosts.hosts.keys(), (name) => this.#varsOf(name));
  }

  /** Ansible's magic variables for a host; all of them are known on the control host. */
  magic(entry: HostEntry, play: PlayFacts): Record<string, Value> {
    const { check, diff, tags, skipTags, limit } = this.#options;
    return {
      ...namesOf(entry),
      groups: this.#groups,
      hostvars: this.#hostvars,
      play_hosts: [...play.hosts],
      ansible_play_hosts: [...play.hosts],
      ansible_play_hosts_all: [...play.hosts],
      ansible_play_batch: [...play.batchOf(entry.name)],
      ansible_play_name: play.name,
      playbook_dir: play.folder,
      ansible_play_role_names: [...play.roles],
      ansible_dependent_role_names: [...play.dependencies],
      ansible_role_names: [...new Set([...play.roles, ...play.dependencies])].sort(),
      role_names: [...play.roles],
      ansible_check_mode: check,
      ansible_diff_mode: diff,
      ansible_run_tags: tags ?? ['all'],
      ansible_skip_tags: skipTags ?? [],
      ansible_limit: limit ?? '',
      ansible_managed: 'managed by hsmfleet',
    };
  }

  /**
   * `hostvars` for the wire: rendered, without what needs facts of other hosts, and without secrets: a host gets its
   * own secrets only.
   */
  shippedHostvars(): Value {
    this.#shipped ??= Object.fromEntries([...this.#hosts.hosts].map(([name, entry]) => {
      const scope = scopeOf(entry.vars, namesOf(entry));
      const vars = Object.entries({ ...entry.vars, ...namesOf(entry) }).flatMap(([key, value]): [string, Value][] => {
        try {
          const rendered = isDeferred(value) ? renderValue(value, scope) : value;
          return holdsSecret(rendered) ? [] : [[key, rendered]];
        } catch (thrown) {
          if (thrown instanceof HsmfleetError) return [];
          throw thrown;
        }
      });
      return [name, Object.fromEntries(vars)];
    }));
    return this.#shipped;
  }

  #varsOf(name: string): Value {
    const entry = this.#hosts.find(name);
    if (entry === undefined) return {};
    const vars: Record<string, Value> = { ...entry.vars, ...namesOf(entry) };
    const scope = scopeOf(vars);
    return lazyMapping(Object.keys(vars), (key) => renderValue(vars[key] as Value, scope));
  }
}

function namesOf(entry: HostEntry): Record<string, Value> {
  return {
    inventory_hostname: entry.name,
    inventory_hostname_short: entry.name.split('.')[0] ?? entry.name,
    inventory_file: entry.position.file,
    inventory_dir: dirname(entry.position.file),
    group_names: entry.groups,
  };
}

function holdsSecret(value: Value): boolean {
  if (value instanceof Secret) return true;
  return value !== null && typeof value === 'object' && Object.values(value).some((item) => holdsSecret(item as Value));
}
