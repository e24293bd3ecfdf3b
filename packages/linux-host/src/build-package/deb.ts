import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BuildPackage } from '@hsmfleet/resource';
import type { PackInput, Packed } from './packing.ts';
import { makeShared, writeShared } from './shared-files.ts';
import { readProgram, runStage, type BuildRoom } from './stage.ts';
import { conffilesOf, installedSize, type StagedFile } from './staging.ts';

/** Folders that ldconfig looks into on every Debian. */
const LINKER_FOLDERS = /^\/(?:usr\/(?:local\/)?)?lib(?:\/[a-z0-9_]+-linux-gnu[a-z0-9]*)?$/;

/**
 * A .deb: control, conffiles, md5sums, shlibs for what other packages link with, and the trigger by which dpkg runs
 * ldconfig when there are libraries that the linker finds. Dependencies are those that dpkg-shlibdeps reads from the binaries.
 * @throws HsmfleetError as runStage
 */
export async function packDeb(step: BuildPackage, room: BuildRoom, { packing, staging, files }: PackInput): Promise<Packed> {
  const version = `${step.version}-${step.revision}`;
  const conffiles = conffilesOf(files, step.conffiles, room.what);
  const control = join(staging, 'DEBIAN');
  makeShared(control);
  const write = (name: string, lines: readonly string[]): void => {
    if (lines.length > 0) writeShared(join(control, name), `${lines.join('\n')}\n`);
  };

  const libraries = await readLibraries(files, room, packing);
  write('shlibs', libraries.map(({ name, number }) => `${name} ${number} ${step.name} (>= ${version})`));
  if (libraries.length > 0) write('triggers', ['activate-noawait ldconfig']);

  const depends = [...new Set([...(await readDepends(step, room, packing, files)), ...step.depends])].sort();
  const elf = files.some((file) => file.elf);
  const architecture = elf ? (await readProgram(room, { stage: 'asking for the architecture', argv: ['dpkg', '--print-architecture'], cwd: '/' })).trim() : 'all';
  write('conffiles', conffiles);
  write('md5sums', files.filter((file) => file.kind === 'file' && !conffiles.includes(file.target)).map(({ path, target }) =>
    `${createHash('md5').update(readFileSync(path)).digest('hex')}  ${target.slice(1)}`));
  write('control', [
    `Package: ${step.name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${step.maintainer}`,
    `Installed-Size: ${String(installedSize(files.map((file) => (file.elf ? { ...file, size: statSync(file.path).size } : file))))}`,
    ...(depends.length === 0 ? [] : [`Depends: ${depends.join(', ')}`]),
    // kept by dpkg: so it can be told whether an installed package is this build or another of the same version
    `Hsmfleet-Inputs: ${step.inputsSha256}`,
    'Section: misc',
    'Priority: optional',
    `Description: ${step.summary}`,
    ' Built from its sources by hsmfleet.',
  ]);

  const file = `${step.name}_${version}_${architecture}.deb`;
  const path = join(packing, file);
  // gzip, since what xz makes depends on how many processors there are
  await runStage(room, { stage: 'dpkg-deb', argv: ['dpkg-deb', '--root-owner-group', '-Zgzip', '-z9', '--build', staging, path], cwd: packing });
  await runStage(room, { stage: 'listing the package', argv: ['dpkg-deb', '--info', path], cwd: packing });
  await runStage(room, { stage: 'listing the package', argv: ['dpkg-deb', '--contents', path], cwd: packing });
  return { path, file, architecture, depends };
}

interface Library {
  name: string;
  number: string;
}

/** Shared libraries that the linker finds by itself. */
async function readLibraries(files: readonly StagedFile[], room: BuildRoom, packing: string): Promise<Library[]> {
  const found: Library[] = [];
  for (const { path, target, elf } of files) {
    if (!elf || !LINKER_FOLDERS.test(dirname(target))) continue;
    const headers = await readProgram(room, { stage: 'reading libraries', argv: ['objdump', '-p', path], cwd: packing });
    const soname = /^\s+SONAME\s+(\S+)$/m.exec(headers)?.[1];
    const parts = soname === undefined ? null : /^(?:(.+)\.so\.(.+)|(.+)-(\d.*)\.so)$/.exec(soname);
    if (parts !== null) found.push({ name: parts[1] ?? parts[3] ?? '', number: parts[2] ?? parts[4] ?? '' });
  }
  return found;
}

async function readDepends(step: BuildPackage, room: BuildRoom, packing: string, files: readonly StagedFile[]): Promise<string[]> {
  const binaries = files.filter((file) => file.elf);
  if (binaries.length === 0) return [];
  // dpkg-shlibdeps wants to see a source package
  writeShared(join(packing, 'debian', 'control'), `Source: ${step.name}\n\nPackage: ${step.name}\nArchitecture: any\n`);
  const folders = [...new Set(binaries.filter((file) => file.target.includes('.so')).map((file) => dirname(file.path)))];
  const said = await runStage(room, {
    stage: 'dpkg-shlibdeps',
    argv: ['dpkg-shlibdeps', '-O', `-x${step.name}`, ...folders.map((folder) => `-l${folder}`), ...binaries.map((file) => `-e${file.path}`)],
    cwd: packing,
  });
  const line = /^shlibs:Depends=(.*)$/m.exec(said)?.[1] ?? '';
  return line.split(',').map((part) => part.trim()).filter((part) => part !== '');
}
