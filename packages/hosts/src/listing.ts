import { Deferred, Secret, SECRET_MASK, type Value } from '@hsmfleet/contract';
import type { HostsModel } from './model.ts';

/** Variables as the files have them: templates as their text, secrets as a mask. */
export function readableValue(value: Value): unknown {
  if (value instanceof Deferred) return value.origin === undefined ? value.text : SECRET_MASK;
  if (value instanceof Secret) return SECRET_MASK;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(readableValue);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readableValue(item)]));
}

/**
 * Groups, hosts and variables in the shape that executable hosts files answer with, which `ansible-inventory --list` prints
 * too. Variables of groups are with the hosts that have them.
 */
export function hostsListing(model: HostsModel): Record<string, unknown> {
  const groups: Record<string, unknown> = {};
  const seen = new Set<string>();
  const add = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const { hosts = [], children = [] } = model.tree.get(name) ?? {};
    const group = { ...(name === 'all' || hosts.length === 0 ? {} : { hosts }), ...(children.length === 0 ? {} : { children }) };
    if (Object.keys(group).length > 0) groups[name] = group;
    children.forEach(add);
  };
  add('all');
  const hostvars = [...model.hosts.values()].filter(({ vars }) => Object.keys(vars).length > 0).map(({ name, vars }) => [name, readableValue(vars)]);
  return { _meta: { hostvars: Object.fromEntries(hostvars) as Record<string, unknown> }, ...groups };
}

/** The groups as a drawing of their nesting, as `ansible-inventory --graph` shows them. */
export function hostsGraphText(model: HostsModel, top = 'all'): string {
  const lines: string[] = [];
  const name = (text: string, depth: number): string => (depth === 0 ? text : `${'  |'.repeat(depth)}--${text}`);
  const draw = (group: string, depth: number): void => {
    lines.push(name(`@${group}:`, depth));
    const { hosts = [], children = [] } = model.tree.get(group) ?? {};
    for (const child of children) draw(child, depth + 1);
    if (group !== 'all') for (const host of hosts) lines.push(name(host, depth + 1));
  };
  draw(top, 0);
  return `${lines.join('\n')}\n`;
}
