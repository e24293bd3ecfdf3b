import { HsmfleetError } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';
import { parseDpkgStatus } from './dpkg-status.ts';

/** Package managers that are supported. */
export type PackageManager = 'apt' | 'dnf' | 'pacman';

/** Versions by the names asked for; null when it is not installed. */
export type Versions = Record<string, string | null>;

const STATUS = '/var/lib/dpkg/status';
const STATUS_LIMIT = 256 * 1024 * 1024;
const QUERY = { timeoutMs: 60_000, maxOutput: 4 * 1024 * 1024 };
/** apt's own note of the last refresh; this resource writes it too. */
export const UPDATE_STAMP = '/var/lib/apt/periodic/update-success-stamp';

/** What is installed, from files where their format is stable. */
export async function readInstalled(host: ReadHost, manager: PackageManager, names: readonly string[]): Promise<Versions> {
  if (manager === 'apt') {
    const status = parseDpkgStatus((await host.readText(STATUS, STATUS_LIMIT)) ?? '');
    return Object.fromEntries(names.map((name) => [name, status.find(bareName(name))?.version ?? null]));
  }
  if (manager === 'pacman') {
    // one folder a package: NAME-VERSION-RELEASE
    const folders = (await host.list('/var/lib/pacman/local')) ?? [];
    const found = new Map(folders.flatMap((folder) => {
      const match = /^(.+)-([^-]+-[^-]+)$/.exec(folder);
      return match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]] as const];
    }));
    return Object.fromEntries(names.map((name) => [name, found.get(name) ?? null]));
  }
  const versions: Versions = {};
  for (const name of names) {
    const answer = await host.query(['rpm', '-q', '--whatprovides', '--qf', '%{VERSION}-%{RELEASE}\\n', name], QUERY);
    if (answer.code === -1) throw new HsmfleetError('TASK_FAILED', 'rpm cannot be started on the host', { hint: answer.stderr });
    versions[name] = answer.code === 0 ? (answer.stdout.split('\n')[0] ?? '') : null;
  }
  return versions;
}

/** What an installed package was built from, where it tells: hash over the inputs of source_package. */
export async function readBuiltFrom(host: ReadHost, manager: PackageManager, name: string): Promise<string | null> {
  if (manager !== 'apt') return null;
  return parseDpkgStatus((await host.readText(STATUS, STATUS_LIMIT)) ?? '').find(name)?.inputsSha256 ?? null;
}

/** The newest versions that the package lists on the host know; null for a name they do not know. */
export async function readCandidates(host: ReadHost, manager: PackageManager, names: readonly string[], installed: Versions): Promise<Versions> {
  if (manager === 'apt') {
    const { stdout } = await host.query(['apt-cache', 'policy', ...names.map(bareName)], QUERY);
    return Object.fromEntries(names.map((name) => {
      const start = `\n${stdout}`.indexOf(`\n${bareName(name)}:\n`);
      const candidate = start < 0 ? undefined : /^ {2}Candidate: (.+)$/m.exec(stdout.slice(start))?.[1];
      return [name, candidate === undefined || candidate === '(none)' ? null : candidate];
    }));
  }
  const argv = manager === 'dnf' ? ['dnf', '-q', '-C', 'check-update', ...names] : ['pacman', '-Qu', ...names];
  const { stdout } = await host.query(argv, QUERY);
  const newer = new Map(stdout.split('\n').map((line) => {
    const words = line.trim().split(/\s+/);
    return manager === 'dnf' ? [words[0]?.replace(/\.[^.]+$/, '') ?? '', words[1] ?? ''] : [words[0] ?? '', words[3] ?? ''];
  }));
  return Object.fromEntries(names.map((name) => [name, newer.get(name) ?? installed[name] ?? null]));
}

/** Seconds since the package lists were refreshed; null when there are none. */
export async function readListsAge(host: ReadHost, manager: PackageManager): Promise<number | null> {
  if (manager === 'dnf') return 0; // dnf refreshes its lists by itself
  const folder = manager === 'apt' ? '/var/lib/apt/lists' : '/var/lib/pacman/sync';
  const lists = ((await host.list(folder)) ?? []).filter((name) => /Packages|InRelease|\.db$/.test(name));
  if (lists.length === 0) return null;
  const times = [await host.stat(folder), manager === 'apt' ? await host.stat(UPDATE_STAMP) : undefined].map((stat) => stat?.mtimeMs ?? 0);
  return Math.max(0, (host.now() - Math.max(...times)) / 1000);
}

/** NAME of NAME=VERSION. */
export function bareName(name: string): string {
  return name.split('=')[0] ?? name;
}
