import type { SourcePosition, Value } from '@hsmfleet/contract';
import { mapEntries, dereference, suggestion, toValue, type MapEntry, type Problems, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, isScalar, type Node } from 'yaml';
import { expandRange, RangeError } from './expand-range.ts';
import { assign, assignToGroup, type Group, type HostsGraph } from './hosts-graph.ts';
import { parseAddress } from './parse-address.ts';

const GROUP_KEYS = ['hosts', 'children', 'vars'];

/** Reads one YAML hosts file into the graph. Mistakes are collected. */
export class HostsFileReader {
  readonly #source: YamlSource;
  readonly #graph: HostsGraph;
  readonly #problems: Problems;

  constructor(source: YamlSource, graph: HostsGraph, problems: Problems) {
    this.#source = source;
    this.#graph = graph;
    this.#problems = problems;
  }

  read(): void {
    const entries = this.#entries(this.#source.root, 'a hosts file', 'start with a group, for example "all:"');
    const plugin = entries.find(({ key, value }) => key === 'plugin' && isScalar(value));
    if (plugin !== undefined) {
      this.#refusePlugin(plugin);
      return;
    }
    for (const entry of entries) this.#group(entry);
  }

  /** A file that has Ansible's plugins make up hosts; they are programs of Ansible. */
  #refusePlugin({ keyNode, value }: MapEntry): void {
    const name = isScalar(value) && !this.#source.encrypted ? ` "${String(value.value)}"` : '';
    this.#problems.add(this.#source.problem('HOSTS_INVALID', `this file configures Ansible's inventory plugin${name}, which only Ansible can run`, keyNode,
      'let it write a hosts file: ansible-inventory -i FILE --list --export --yaml > hosts.yml; or name with -i a script that runs: exec ansible-inventory -i FILE --list'));
  }

  /** @param names what one plain text means: the only name of a mapping without values, as in Ansible */
  #entries(node: Node | null, what: string, hint?: string, names = false): MapEntry[] {
    return (
      this.#problems.attempt(() => {
        const map = dereference(node, this.#source);
        if (map === null || (isScalar(map) && map.value === null)) return [];
        if (names && isScalar(map) && typeof map.value === 'string') return [{ key: map.value, keyNode: map, value: null }];
        if (!isMap(map)) throw this.#source.problem('HOSTS_INVALID', `${what} must be a mapping`, map, hint ?? 'end every name with a colon, also those without variables');
        return mapEntries(map, this.#source);
      }) ?? []
    );
  }

  #group(entry: MapEntry): void {
    const position = this.#source.positionOf(entry.keyNode);
    const group = this.#graph.group(entry.key, { position, excerpt: this.#source.excerptAt(position) });
    for (const part of this.#entries(entry.value, `the group "${entry.key}"`)) {
      if (part.key === 'hosts') {
        for (const host of this.#entries(part.value, 'the hosts of a group', undefined, true)) this.#host(host, group.hosts);
      } else if (part.key === 'vars') this.#groupVariables(group, part.value);
      else if (part.key === 'children') {
        for (const child of this.#entries(part.value, `the children of "${entry.key}"`, undefined, true)) {
          this.#group(child);
          group.children.add(child.key);
        }
      } else {
        const hint = suggestion(part.key, GROUP_KEYS) ?? 'a group has hosts, children and vars';
        this.#problems.add(this.#source.problem('HOSTS_INVALID', `"${part.key}" is not a key of a group`, part.keyNode, hint));
      }
    }
  }

  #host(entry: MapEntry, members: Set<string>): void {
    const position = this.#source.positionOf(entry.keyNode);
    const vars = this.#values(entry.value, `the variables of "${entry.key}"`);
    const { name, port } = parseAddress(entry.key);
    try {
      for (const each of expandRange(name)) {
        const host = this.#graph.host(each, position, port);
        for (const [key, value, place] of vars) assign(host, key, value, place);
        members.add(each);
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      this.#problems.add(this.#source.problem('HOSTS_INVALID', thrown.message, entry.keyNode));
    }
  }

  #groupVariables(group: Group, node: Node | null): void {
    for (const [key, value, position] of this.#values(node, `the variables of "${group.name}"`)) {
      const wrong = assignToGroup(group, key, value, position);
      if (wrong !== undefined) this.#problems.add(this.#source.problem('HOSTS_INVALID', wrong, position));
    }
  }

  #values(node: Node | null, what: string): [string, Value, SourcePosition][] {
    return this.#entries(node, what).flatMap((entry): [string, Value, SourcePosition][] => {
      const value = this.#problems.attempt((): Value => toValue(entry.value, this.#source));
      return value === undefined ? [] : [[entry.key, value, this.#source.positionOf(entry.keyNode)]];
    });
  }
}
