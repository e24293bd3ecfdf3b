import type { HsmfleetError } from '@hsmfleet/contract';
import type { Parameter, ParameterValue, Profile, SelectHosts } from './model.ts';

/** A value as a file or `-e` gives it, as SQL takes it; undefined when there is no such thing. */
export function parameterValue(given: unknown): ParameterValue | undefined {
  if (typeof given === 'boolean') return Number(given);
  if (typeof given === 'string' || typeof given === 'number') return given;
  return Array.isArray(given) && given.every((item) => typeof item === 'string' || typeof item === 'number') ? given.join(',') : undefined;
}

/** Parameters that a statement names, outside of its texts and comments. */
export function usedParameters(sql: string): string[] {
  const bare = withoutTexts(sql);
  return [...new Set([...bare.matchAll(/\$([a-z_][a-z0-9_]*)/gi)].map(([, name = '']) => name))];
}

/** Names in a statement that may be views or columns, outside of its texts and comments. */
export function namesIn(sql: string): ReadonlySet<string> {
  return new Set([...withoutTexts(sql).matchAll(/[a-z_][a-z0-9_]*/gi)].map(([name]) => name.toLowerCase()));
}

function withoutTexts(sql: string): string {
  return sql.replaceAll(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
}

/** Hosts that share all values of the given parameters. */
export interface ParameterGroup {
  values: Record<string, ParameterValue>;
  hosts: readonly string[];
}

/** Values of parameters by host. */
export class ParameterValues {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #byHost = new Map<string, Map<string, ParameterValue>>();
  readonly #given: ReadonlyMap<string, ParameterValue>;
  /** Patterns that fit no host, for people. */
  readonly warnings: string[] = [];

  /** @param given values of `-e`, over all others */
  constructor(profile: Profile, select: SelectHosts, given: ReadonlyMap<string, ParameterValue>) {
    this.#parameters = profile.parameters;
    this.#given = given;
    for (const override of profile.overrides) {
      const hosts = selected(override.hosts, select);
      if (typeof hosts === 'string') this.warnings.push(`${override.position.file}:${String(override.position.line)}: values for "${override.hosts}" are not used: ${hosts}`);
      else for (const host of hosts) this.#byHost.set(host, new Map([...(this.#byHost.get(host) ?? []), ...override.values]));
    }
  }

  /** Hosts by the values that the named parameters have on them. */
  groups(names: readonly string[], hosts: readonly string[]): ParameterGroup[] {
    const groups = new Map<string, { values: Record<string, ParameterValue>; hosts: string[] }>();
    for (const host of hosts) {
      const values = Object.fromEntries(names.map((name) => [name, this.#value(name, host)]));
      const key = JSON.stringify(values);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { values, hosts: [host] });
      else group.hosts.push(host);
    }
    return [...groups.values()];
  }

  #value(name: string, host: string): ParameterValue {
    return this.#given.get(name) ?? this.#byHost.get(host)?.get(name) ?? this.#parameters.get(name)?.value ?? '';
  }
}

/** Hosts of a pattern, or why there are none. */
export function selected(pattern: string, select: SelectHosts): readonly string[] | string {
  try {
    const hosts = select(pattern);
    return hosts.length === 0 ? 'it names no host' : hosts;
  } catch (thrown) {
    if ((thrown as HsmfleetError).code !== 'HOST_PATTERN') throw thrown;
    return (thrown as HsmfleetError).message;
  }
}
