import { HsmfleetError, type ArtifactFormat } from '@hsmfleet/contract';
import type { PackageManager } from '../package/inspect-packages.ts';

/** Compiler, make, autotools, and what packs, by package manager. */
const TOOLS: Readonly<Record<PackageManager, readonly string[]>> = {
  apt: ['build-essential', 'autoconf', 'automake', 'libtool', 'pkg-config'],
  dnf: ['gcc', 'gcc-c++', 'make', 'autoconf', 'automake', 'libtool', 'pkgconf-pkg-config', 'rpm-build', 'tar', 'gzip', 'xz', 'bzip2'],
  pacman: ['base-devel'],
};
const FORMATS: Readonly<Record<PackageManager, ArtifactFormat>> = { apt: 'deb', dnf: 'rpm', pacman: 'arch' };

/**
 * The host's package manager.
 * @throws HsmfleetError TASK_FAILED when the host has none that is supported
 */
export function managerOf(name: string): PackageManager {
  if (name === 'apt' || name === 'dnf' || name === 'pacman') return name;
  throw new HsmfleetError('TASK_FAILED', 'the host has none of apt, dnf and pacman, so it can build no package for them', {
    hint: 'build on a host of the distribution that the package is for',
  });
}

/** The kind of package that a package manager installs. */
export function formatOf(manager: PackageManager): ArtifactFormat {
  return FORMATS[manager];
}

/** All packages that a build needs: the usual tools, rpmbuild where it is foreign, and those named. */
export function buildPackagesOf(manager: PackageManager, format: ArtifactFormat, named: readonly string[]): string[] {
  return [...new Set([...TOOLS[manager], ...(manager === 'apt' && format === 'rpm' ? ['rpm'] : []), ...named])];
}
