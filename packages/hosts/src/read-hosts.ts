import type { Value } from '@hsmfleet/contract';
import { mapEntries, dereference, suggestion, toValue, type MapEntry, type Problems, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, isScalar, type Node } from 'yaml';
import { expandRange, RangeError } from './expand-range.ts';
import type { HostsGraph, Variables } from './hosts-graph.ts';

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
    for (const entry of entries) this.#group(entry);
  }

  #entries(node: Node | null, what: string, hint?: string): MapEntry[] {
    return (
      this.#problems.attempt(() => {
        const map = dereference(node, this.#source);
        if (map === null || (isScalar(map) && map.value === null)) return [];
        if (!isMap(map)) throw this.#source.problem('HOSTS_INVALID', `${what} must be a mapping`, map, hint ?? 'end every name with a colon, also those without variables');
        return mapEntries(map, this.#source);
      }) ?? []
    );
  }

  #group(entry: MapEntry): void {
    const position = this.#source.positionOf(entry.keyNode);
    const group = this.#graph.group(entry.key, { position, excerpt: this.#source.excerptAt(position) });
    for (const part of this.#entries(entry.value, `the group "${entry.key}"`)) {
      if (part.key === 'hosts') this.#hosts(part, group.hosts);
      else if (part.key === 'vars') this.#assign(group.vars, part.value, `the variables of "${entry.key}"`);
      else if (part.key === 'children') {
        for (const child of this.#entries(part.value, `the children of "${entry.key}"`)) {
          group.children.add(child.key);
          this.#group(child);
        }
      } else {
        const hint = suggestion(part.key, GROUP_KEYS) ?? 'a group has hosts, children and vars';
        this.#problems.add(this.#source.problem('HOSTS_INVALID', `"${part.key}" is not a key of a group`, part.keyNode, hint));
      }
    }
  }

  #hosts(part: MapEntry, members: Set<string>): void {
    // Ansible takes one plain name too
    if (isScalar(part.value) && typeof part.value.value === 'string') {
      this.#host({ key: part.value.value, keyNode: part.value, value: null }, members);
      return;
    }
    for (const entry of this.#entries(part.value, 'the hosts of a group')) this.#host(entry, members);
  }

  #host(entry: MapEntry, members: Set<string>): void {
    const position = this.#source.positionOf(entry.keyNode);
    const vars: Variables = {};
    this.#assign(vars, entry.value, `the variables of "${entry.key}"`);
    const withPort = /^([^:]+|\[[^\]]+\]):(\d+)$/.exec(entry.key.replace(/\[[^\]]*\]/g, (range) => range.replaceAll(':', ';')));
    const name = withPort === null ? entry.key : entry.key.slice(0, (withPort[1] ?? '').length);
    if (withPort !== null) vars.ansible_port ??= Number(withPort[2]);
    try {
      for (const each of expandRange(name)) {
        Object.assign(this.#graph.host(each, position).vars, vars);
        members.add(each);
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      this.#problems.add(this.#source.problem('HOSTS_INVALID', thrown.message, entry.keyNode));
    }
  }

  #assign(vars: Variables, node: Node | null, what: string): void {
    for (const entry of this.#entries(node, what)) {
      const value = this.#problems.attempt((): Value => toValue(entry.value, this.#source));
      if (value !== undefined) vars[entry.key] = value;
    }
  }
}
