import type { RunProgram, Step } from '@hsmfleet/resource';
import { UPDATE_STAMP, type PackageManager } from './inspect-packages.ts';

/** Another apt run on the host is waited for. */
const APT = ['apt-get', '-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];
const TIMEOUT = 1_800_000;

/** Settings of one call of the package manager. */
export interface PackageOptions {
  installRecommends?: boolean | undefined;
  purge?: boolean | undefined;
  /** Take an older version than the one installed. */
  allowDowngrades?: boolean | undefined;
  /** Install although this version is installed already. */
  reinstall?: boolean | undefined;
}

function run(argv: string[], why: string): RunProgram {
  return { kind: 'run', argv, env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: TIMEOUT, why };
}

/** Installs packages, or brings them to the newest version, or installs package files by their paths. */
export function installStep(manager: PackageManager, names: readonly string[], options: PackageOptions = {}): Step {
  const why = `install ${names.join(' ')}`;
  if (manager === 'dnf') return run(['dnf', '-y', 'install', ...names], why);
  if (manager === 'pacman') {
    const files = names.every((name) => name.startsWith('/'));
    return run(['pacman', files ? '-U' : '-S', '--noconfirm', '--needed', ...names], why);
  }
  const { installRecommends, allowDowngrades, reinstall } = options;
  return run([
    ...APT,
    ...(installRecommends === undefined ? [] : [installRecommends ? '--install-recommends' : '--no-install-recommends']),
    ...(allowDowngrades === true ? ['--allow-downgrades'] : []),
    ...(reinstall === true ? ['--reinstall'] : []),
    'install',
    ...names,
  ], why);
}

/** Removes packages. */
export function removeStep(manager: PackageManager, names: readonly string[], { purge }: PackageOptions = {}): Step {
  const why = `remove ${names.join(' ')}`;
  if (manager === 'dnf') return run(['dnf', '-y', 'remove', ...names], why);
  if (manager === 'pacman') return run(['pacman', '-R', '--noconfirm', ...names], why);
  return run([...APT, purge === true ? 'purge' : 'remove', ...names], why);
}

/** Refreshes the package lists and, with apt, notes the time as apt's own timers do. */
export function refreshSteps(manager: PackageManager): Step[] {
  const why = 'refresh the package lists';
  if (manager === 'dnf') return [run(['dnf', '-y', 'makecache'], why)];
  if (manager === 'pacman') return [run(['pacman', '-Sy', '--noconfirm'], why)];
  return [
    run(['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', 'update'], why),
    { kind: 'write_file', path: UPDATE_STAMP, content: { from: 'text', text: '' } },
  ];
}
