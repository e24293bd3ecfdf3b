import { existsSync, readFileSync } from 'node:fs';
import { arch, hostname, networkInterfaces, release, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from '@hsmfleet/contract';
import { findApacheLayout } from './apache-layout.ts';

/** os-release's ID as Ansible spells the distribution, and its family. */
const DISTRIBUTIONS: Readonly<Record<string, readonly [name: string, family: string]>> = {
  debian: ['Debian', 'Debian'],
  raspbian: ['Debian', 'Debian'],
  ubuntu: ['Ubuntu', 'Debian'],
  linuxmint: ['Linux Mint', 'Debian'],
  fedora: ['Fedora', 'RedHat'],
  rhel: ['RedHat', 'RedHat'],
  centos: ['CentOS', 'RedHat'],
  almalinux: ['AlmaLinux', 'RedHat'],
  rocky: ['Rocky', 'RedHat'],
  ol: ['OracleLinux', 'RedHat'],
  amzn: ['Amazon', 'RedHat'],
  arch: ['Archlinux', 'Archlinux'],
  archarm: ['Archlinux', 'Archlinux'],
  manjaro: ['Manjaro', 'Archlinux'],
};
const FAMILIES: Readonly<Record<string, string>> = { debian: 'Debian', ubuntu: 'Debian', rhel: 'RedHat', fedora: 'RedHat', arch: 'Archlinux' };
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7l', ia32: 'i386' };
const PACKAGE_MANAGERS = [
  ['/usr/bin/apt-get', 'apt'],
  ['/usr/bin/dnf', 'dnf'],
  ['/usr/bin/pacman', 'pacman'],
] as const;

/**
 * Facts of the host from files alone: no programs are run, since starting four of them costs more than a whole light
 * run does.
 * @param root another root directory, for tests
 */
export function gatherFacts(root = '/'): HostFacts {
  const os = parseOsRelease(readOptional(root, 'etc/os-release') ?? readOptional(root, 'usr/lib/os-release') ?? '');
  const id = os.ID ?? '';
  const [distribution, family] = DISTRIBUTIONS[id] ?? [os.NAME ?? 'Linux', familyOf(os.ID_LIKE ?? '')];
  const version = versionOf(id, os, root);
  const addresses = ipv4Addresses();
  const interfaceName = defaultInterface(readOptional(root, 'proc/net/route') ?? '');
  const address = addresses.find((entry) => entry.interface === interfaceName)?.address;
  const name = hostname();
  return {
    hostname: name.split('.')[0] ?? name,
    fqdn: fullName(name, readOptional(root, 'etc/hosts') ?? ''),
    distribution,
    distribution_version: version,
    distribution_major_version: version.split('.')[0] ?? version,
    distribution_release: os.VERSION_CODENAME ?? '',
    os_family: family,
    architecture: MACHINES[arch()] ?? arch(),
    kernel: release(),
    pkg_mgr: PACKAGE_MANAGERS.find(([path]) => existsSync(join(root, path)))?.[1] ?? 'unknown',
    service_mgr: existsSync(join(root, 'run/systemd/system')) ? 'systemd' : 'sysvinit',
    all_ipv4_addresses: addresses.map((entry) => entry.address),
    default_ipv4: {
      ...(interfaceName === undefined ? {} : { interface: interfaceName }),
      ...(address === undefined ? {} : { address }),
    },
    processor_vcpus: readOptional(root, 'proc/cpuinfo')?.match(/^processor\s*:/gm)?.length ?? 1,
    memtotal_mb: Math.floor(totalmem() / 1024 / 1024),
    user_id: currentUser(),
    apache: findApacheLayout(family, root),
  };
}

/** Assignments of os-release(5), quotes taken off. */
export function parseOsRelease(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
    if (match === null) continue;
    const [, key = '', raw = ''] = match;
    const quoted = /^"(.*)"$/.exec(raw)?.[1] ?? /^'(.*)'$/.exec(raw)?.[1];
    values[key] = quoted === undefined ? raw : quoted.replace(/\\(["$`\\])/g, '$1');
  }
  return values;
}

function familyOf(like: string): string {
  for (const word of like.split(' ')) {
    const family = FAMILIES[word];
    if (family !== undefined) return family;
  }
  return 'Linux';
}

function versionOf(id: string, os: Record<string, string>, root: string): string {
  // os-release says "12" where Ansible, and people, say "12.5"; testing has a word there instead
  const debian = id === 'debian' ? readOptional(root, 'etc/debian_version')?.trim() : undefined;
  if (debian !== undefined && /^\d/.test(debian)) return debian;
  return os.VERSION_ID ?? (id === 'arch' ? 'rolling' : '');
}

function ipv4Addresses(): { interface: string; address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).filter((entry) => entry.family === 'IPv4' && !entry.internal).map(({ address }) => ({ interface: name, address })),
  );
}

/** The interface of the default route with the lowest metric in /proc/net/route. */
function defaultInterface(routes: string): string | undefined {
  const defaults = routes.split('\n').slice(1).map((line) => line.split('\t')).filter((fields) => fields[1] === '00000000' && fields[7] === '00000000');
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}

/** The first name with a dot that /etc/hosts gives this host; the name service is not asked. */
function fullName(name: string, hosts: string): string {
  if (name.includes('.')) return name;
  for (const line of hosts.split('\n')) {
    const names = (line.split('#')[0] ?? '').trim().split(/\s+/).slice(1);
    if (!names.includes(name)) continue;
    return names.find((candidate) => candidate.startsWith(`${name}.`)) ?? name;
  }
  return name;
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0); // a user that no passwd file knows
  }
}

function readOptional(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined; // facts that cannot be read are empty, as Ansible's are
  }
}
