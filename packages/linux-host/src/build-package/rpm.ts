import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import type { BuildPackage } from '@hsmfleet/resource';
import type { PackInput, Packed } from './packing.ts';
import { makeShared, writeShared } from './shared-files.ts';
import { readProgram, runStage, type BuildRoom } from './stage.ts';
import { conffilesOf, type StagedFile } from './staging.ts';

/** Folders that belong to the system's own packages. */
const SYSTEM_FOLDERS = /^\/(?:bin|boot|dev|etc|home|lib|lib64|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)?$|^\/usr\/(?:bin|include|lib|lib64|libexec|local|sbin|share|src)(?:\/(?:man(?:\/man\w+)?|doc|info|locale|pkgconfig))?$|^\/var\/(?:lib|cache|log)$/;

/**
 * An .rpm, packed from the staging folder by rpmbuild, which finds the dependencies of the binaries and packs nothing but
 * what the file list names.
 * @throws HsmfleetError as runStage
 */
export async function packRpm(step: BuildPackage, room: BuildRoom, { packing, staging, files, epoch }: PackInput): Promise<Packed> {
  const conffiles = new Set(conffilesOf(files, step.conffiles, room.what));
  const elf = files.some((file) => file.elf);
  const libraries = files.some((file) => file.elf && /\.so(\.|$)/.test(file.target) && /^\/usr\/lib(64)?$/.test(dirname(file.target)));
  const top = join(packing, 'rpm');
  const out = join(packing, 'out');
  // rpmbuild works as the build's user
  for (const folder of [top, out]) await runStage(room, { stage: 'rpmbuild', argv: ['mkdir', folder], cwd: packing });
  makeShared(join(packing, 'spec'));
  const spec = join(packing, 'spec', `${step.name}.spec`);
  writeShared(spec, [
    `Name: ${step.name}`,
    `Version: ${step.version}`,
    `Release: ${step.revision}`,
    `Summary: ${escapeMacros(step.summary)}`,
    'License: see its sources',
    `Packager: ${escapeMacros(step.maintainer)}`,
    ...(elf ? [] : ['BuildArch: noarch']),
    ...step.depends.map((name) => `Requires: ${name}`),
    '', '%description', escapeMacros(step.summary), 'Built from its sources by hsmfleet.',
    ...(libraries ? ['', '%post -p /sbin/ldconfig', '', '%postun -p /sbin/ldconfig'] : []),
    '', '%files', '%defattr(-,root,root,-)',
    ...files.filter((file) => file.kind !== 'folder' || !SYSTEM_FOLDERS.test(file.target)).map((file) => lineOf(file, conffiles)),
    '',
  ].join('\n'));
  await runStage(room, {
    stage: 'rpmbuild',
    argv: [
      'rpmbuild', '-bb', '--noprep', '--noclean', '--buildroot', staging,
      // the staging folder is packed as it is; what the builder is called, and when it ran, goes into no package
      ...Object.entries({
        _topdir: top, _rpmdir: out, _build_name_fmt: `%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm`, __spec_install_pre: '%{nil}', __os_install_post: '%{nil}',
        __spec_clean_pre: '%{nil}', debug_package: '%{nil}', _build_id_links: 'none', _buildhost: 'builder', use_source_date_epoch_as_buildtime: '1',
        clamp_mtime_to_source_date_epoch: '1', _build_time: String(epoch), _binary_payload: 'w9.gzdio', _unpackaged_files_terminate_build: '0',
      }).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
      spec,
    ],
    cwd: packing,
  });
  const [file] = readdirSync(out).filter((name) => name.endsWith('.rpm'));
  if (file === undefined) throw new HsmfleetError('TASK_FAILED', `rpmbuild made no package of ${room.what}`, { hint: `see ${room.log} on the builder` });
  const path = join(out, file);
  const query = (format: string[]): Promise<string> => readProgram(room, { stage: 'reading the package', argv: ['rpm', '-qp', ...format, path], cwd: packing });
  const depends = [...new Set((await query(['--requires'])).split('\n').filter((line) => line !== '' && !line.startsWith('rpmlib(')))].sort();
  return { path, file, architecture: (await query(['--qf', '%{ARCH}'])).trim(), depends };
}

function lineOf(file: StagedFile, conffiles: ReadonlySet<string>): string {
  const attribute = file.kind === 'folder' ? '%dir ' : conffiles.has(file.target) ? '%config(noreplace) ' : '';
  return `${attribute}"${escapeMacros(file.target)}"`;
}

/** A per cent sign starts a macro in a spec file. */
function escapeMacros(text: string): string {
  return text.replaceAll('%', '%%');
}
