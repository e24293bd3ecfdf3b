import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadHosts } from './index.ts';

/** The same hosts files read by Ansible itself. */
const program = 'ansible-inventory';
const available = spawnSync(program, ['--version']).status === 0;
if (!available) process.stderr.write('skipped: ansible-inventory is not installed (Debian package ansible-core)\n');

interface Listing {
  _meta: { hostvars: Record<string, Record<string, unknown>> };
  [group: string]: { hosts?: string[]; children?: string[] } | Listing['_meta'];
}

describe.skipIf(!available)('loadHosts agrees with ansible-inventory on', () => {
  it.each(['site', 'plain', 'deep'])('%s', async (name) => {
    const path = fileURLToPath(new URL(`testdata/${name}/hosts.yml`, import.meta.url));
    const run = spawnSync(program, ['-i', path, '--list'], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const { _meta: meta, ...groups } = JSON.parse(run.stdout) as Listing;
    const model = await loadHosts([path]);
    const vars = [...model.hosts.values()].filter((host) => Object.keys(host.vars).length > 0).map((host) => [host.name, host.vars]);
    expect(Object.fromEntries(vars)).toEqual(meta.hostvars);
    const members = (group: string): string[] => {
      const listed = groups[group] as { hosts?: string[]; children?: string[] } | undefined;
      return [...(listed?.hosts ?? []), ...(listed?.children ?? []).flatMap(members)];
    };
    for (const [group, hosts] of model.groups) expect([group, [...hosts].sort()]).toEqual([group, [...new Set(members(group))].sort()]);
  });
});
