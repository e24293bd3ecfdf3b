import { lutimesSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BuildPackage } from '@hsmfleet/resource';
import type { PackInput, Packed } from './packing.ts';
import { writeShared } from './shared-files.ts';
import { readProgram, runStage, type BuildRoom } from './stage.ts';
import { conffilesOf, type StagedFile } from './staging.ts';

/**
 * A package for pacman: .PKGINFO and the files, by bsdtar, which pacman itself is made of. makepkg is not used: it would
 * build again, with its own rules, from a shell script. Dependencies are the packages that own the libraries linked with.
 * @throws HsmfleetError as runStage
 */
export async function packArch(step: BuildPackage, room: BuildRoom, { packing, staging, files, epoch }: PackInput): Promise<Packed> {
  const elf = files.some((file) => file.elf);
  const architecture = elf ? (await readProgram(room, { stage: 'asking for the architecture', argv: ['uname', '-m'], cwd: '/' })).trim() : 'any';
  const depends = [...new Set([...(await readDepends(room, packing, files)), ...step.depends])].sort();
  const size = files.reduce((sum, file) => sum + (file.kind === 'file' ? statSync(file.path).size : 0), 0);
  const info = join(staging, '.PKGINFO');
  writeShared(info, [
    `pkgname = ${step.name}`,
    `pkgbase = ${step.name}`,
    `pkgver = ${step.version}-${step.revision}`,
    `pkgdesc = ${step.summary}`,
    `builddate = ${String(epoch)}`,
    `packager = ${step.maintainer}`,
    `size = ${String(size)}`,
    `arch = ${architecture}`,
    ...conffilesOf(files, step.conffiles, room.what).map((name) => `backup = ${name.slice(1)}`),
    ...depends.map((name) => `depend = ${name}`),
    '',
  ].join('\n'));
  lutimesSync(info, epoch, epoch);
  const list = join(packing, 'list');
  writeShared(list, ['.PKGINFO', ...files.map((file) => file.target.slice(1))].map((name) => `${name}\n`).join(''));
  const tar = join(packing, 'package.tar');
  await runStage(room, {
    stage: 'bsdtar',
    argv: ['bsdtar', '-c', '-f', tar, '--format=gnutar', '--no-recursion', '--uid', '0', '--gid', '0', '--uname', 'root', '--gname', 'root', '-T', list],
    cwd: staging,
  });
  const file = `${step.name}-${step.version}-${step.revision}-${architecture}.pkg.tar.gz`;
  const path = join(packing, file);
  writeFileSync(path, gzipSync(readFileSync(tar), { level: 9 }));
  return { path, file, architecture, depends };
}

/** Packages that own the libraries which the binaries need and do not bring themselves. */
async function readDepends(room: BuildRoom, packing: string, files: readonly StagedFile[]): Promise<string[]> {
  const own = new Set(files.map((file) => file.target.slice(file.target.lastIndexOf('/') + 1)));
  const needed = new Set<string>();
  for (const { path } of files.filter((file) => file.elf)) {
    const headers = await readProgram(room, { stage: 'reading libraries', argv: ['objdump', '-p', path], cwd: packing });
    for (const [, name = ''] of headers.matchAll(/^\s+NEEDED\s+(\S+)$/gm)) if (!own.has(name)) needed.add(name);
  }
  const there = new Set(readdirSync('/usr/lib'));
  const paths = [...needed].filter((name) => there.has(name)).map((name) => `/usr/lib/${name}`);
  if (paths.length === 0) return [];
  return (await readProgram(room, { stage: 'asking who owns libraries', argv: ['pacman', '-Qqo', ...paths], cwd: packing })).split('\n').filter((name) => name !== '');
}
