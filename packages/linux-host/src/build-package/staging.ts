import { lutimesSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { isElf, walk } from './tree.ts';

/** One file, link or folder of a package. */
export interface StagedFile {
  /** On the builder. */
  path: string;
  /** On the hosts, absolute. */
  target: string;
  kind: 'file' | 'folder' | 'link';
  size: number;
  mode: number;
  elf: boolean;
}

/**
 * Makes what was installed into a package's contents: libtool's archives (which name the builder's paths and are used by
 * nobody) and the index of info pages (every package would bring it) are left out.
 * @throws HsmfleetError TASK_FAILED when nothing was installed, or something that no package can hold
 */
export function tidy(staging: string, what: string): StagedFile[] {
  const files: StagedFile[] = [];
  for (const { path, name, stats } of walk(staging)) {
    if (stats.isFile() && (name.endsWith('.la') || (basename(name) === 'dir' && name.endsWith('share/info/dir')))) {
      rmSync(path);
      continue;
    }
    if (/[\n\r]/.test(name) || !(stats.isFile() || stats.isDirectory() || stats.isSymbolicLink())) {
      throw new HsmfleetError('TASK_FAILED', `${what} installs ${JSON.stringify(`/${name}`)}, which is no file, folder or link with a plain name`);
    }
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'link';
    files.push({ path, target: `/${name}`, kind, size: stats.size, mode: stats.mode & 0o7777, elf: kind === 'file' && stats.size > 0 && isElf(path) });
  }
  if (!files.some((file) => file.kind === 'file')) {
    throw new HsmfleetError('TASK_FAILED', `make install of ${what} installed nothing`, { hint: 'do the makefiles of the project know DESTDIR?' });
  }
  return files;
}

/**
 * Gives everything the time of the sources.
 * @param epoch seconds since 1970
 */
export function date(staging: string, files: readonly StagedFile[], epoch: number): void {
  for (const path of [staging, ...files.map((file) => file.path)].reverse()) lutimesSync(path, epoch, epoch);
}

/**
 * Configuration files: all files in /etc, and those named. What an operator changed in them survives an update.
 * @throws HsmfleetError PARAMS_INVALID for a name that is not in the package
 */
export function conffilesOf(files: readonly StagedFile[], named: readonly string[], what: string): string[] {
  const there = new Set(files.filter((file) => file.kind === 'file').map((file) => file.target));
  const missing = named.find((name) => !there.has(name));
  if (missing !== undefined) {
    throw new HsmfleetError('PARAMS_INVALID', `${what} has no file ${missing}, which conffiles names`, { hint: 'the end of the build log shows what is installed' });
  }
  return [...new Set([...[...there].filter((name) => name.startsWith('/etc/')), ...named])].sort();
}

/** Size on disk as dpkg counts it: files in whole KiB, one KiB for everything else. */
export function installedSize(files: readonly StagedFile[]): number {
  return files.reduce((sum, file) => sum + (file.kind === 'file' ? Math.ceil(file.size / 1024) : 1), 0);
}
