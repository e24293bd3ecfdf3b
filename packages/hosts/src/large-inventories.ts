import { stringify } from 'yaml';

/** A company's fleet, made up: sites in regions, rows and roles in each site, every role in an environment. */
const REGIONS = ['eu', 'us', 'ap'];
const SITES = ['fra1', 'ams2', 'nyc1', 'sfo3', 'sin1', 'tyo2'];
const ROLES = ['web', 'app', 'db', 'cache', 'mail'];
const ENVIRONMENTS = ['prod', 'staging'];

interface LargeHost {
  name: string;
  address: string;
  site: string;
  role: string;
  environment: string;
  rack: number;
}

function fleet(size: number): LargeHost[] {
  return Array.from({ length: size }, (_, index) => {
    const site = SITES[index % SITES.length] ?? '';
    const role = ROLES[Math.trunc(index / SITES.length) % ROLES.length] ?? '';
    const environment = index % 4 === 0 ? 'staging' : 'prod';
    return {
      name: `${role}${String(index + 1).padStart(4, '0')}.${site}.example.net`, address: `10.${String(index % 250)}.${String(Math.trunc(index / 250))}.${String(index % 200 + 1)}`,
      site, role, environment, rack: index % 40,
    };
  });
}

/** Groups of groups: regions of sites, environments of roles in it, everything that a rack holds. */
function tree(): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const [index, region] of REGIONS.entries()) children.set(region, SITES.slice(index * 2, index * 2 + 2));
  for (const site of SITES) children.set(site, Array.from({ length: 40 }, (_, rack) => rackName(site, rack)));
  for (const environment of ENVIRONMENTS) children.set(environment, ROLES.map((role) => `${environment}_${role}`));
  for (const role of ROLES) children.set(role, ENVIRONMENTS.map((environment) => `${environment}_${role}`));
  children.set('datacenter', REGIONS);
  return children;
}

const rackName = (site: string, rack: number): string => `${site}_r${String(rack).padStart(2, '0')}`;

/** One INI file, as one that grew over years: hosts with variables on their lines, :children and :vars sections. */
export function largeIni(size: number): Record<string, string> {
  const hosts = fleet(size);
  const by = (group: (host: LargeHost) => string): [string, LargeHost[]][] => [...Map.groupBy(hosts, group)];
  const lines = ['# the fleet', ...hosts.map((host) => `${host.name} ansible_host=${host.address} rack=${String(host.rack)} labels="{'role': '${host.role}', 'weights': [1, ${String(host.rack)}]}" motd="site ${host.site}, rack ${String(host.rack)}"`), ''];
  for (const [name, members] of [...by((host) => rackName(host.site, host.rack)), ...by((host) => `${host.environment}_${host.role}`)]) lines.push(`[${name}]`, ...members.map((host) => host.name), '');
  const declared = new Set(lines.flatMap((line) => /^\[(.*)\]$/.exec(line)?.[1] ?? []));
  for (const [name, children] of tree()) {
    for (const child of children) if (!declared.has(child) && !tree().has(child)) lines.push(`[${child}]`);
    lines.push(`[${name}:children]`, ...children, '');
  }
  for (const name of [...tree().keys(), 'all']) lines.push(`[${name}:vars]`, `level=${name}`, `in_${name}=True`, `ntp_servers=['a.${name}', 'b.${name}']`, `url=http://{{ inventory_hostname }}/${name}`, '');
  return { hosts: lines.join('\n') };
}

/** YAML with the variables in folders beside it: group_vars/NAME.yml, group_vars/NAME/…, a host_vars file for every fifth host. */
export function largeYaml(size: number): Record<string, string> {
  const hosts = fleet(size);
  const groups: Record<string, { hosts?: Record<string, unknown>; children?: Record<string, unknown> }> = {};
  for (const host of hosts) {
    for (const name of [rackName(host.site, host.rack), `${host.environment}_${host.role}`]) ((groups[name] ??= {}).hosts ??= {})[host.name] = name.startsWith(host.site) ? { ansible_host: host.address, rack: host.rack } : null;
  }
  for (const [name, children] of tree()) groups[name] = { children: Object.fromEntries(children.map((child) => [child, null])) };
  const files: Record<string, string> = { 'hosts.yml': stringify({ all: { children: groups } }, { version: '1.1', nullStr: '' }) };
  for (const name of [...tree().keys(), 'all']) {
    files[`group_vars/${name}/10-base.yml`] = stringify({ level: name, [`in_${name}`]: true, packages: ['apache2', 'chrony', name], ssh: { port: 22, users: [{ name: 'ops', keys: [`key-of-${name}`] }] } });
    files[`group_vars/${name}/20-more.yml`] = `url: "http://{{ inventory_hostname }}/${name}"\nlimits:\n  files: 65536\n`;
  }
  for (const name of ENVIRONMENTS.flatMap((environment) => ROLES.map((role) => `${environment}_${role}`))) files[`group_vars/${name}.yml`] = `role_of: ${name}\n`;
  for (const [index, host] of hosts.entries()) if (index % 5 === 0) files[`host_vars/${host.name}.yml`] = `serial: "${String(index).padStart(6, '0')}"\nmaintenance: {window: [2, 4], day: sunday}\n`;
  return files;
}
