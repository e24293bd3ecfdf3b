import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import type { BuildPackage } from '@hsmfleet/resource';
import { readProgram, runStage, type BuildRoom } from './stage.ts';

/** Optimised and hardened as distributions do it; no debug symbols, since they would be stripped anyway. */
const COMPILER_FLAGS = '-O2 -fstack-protector-strong -Wformat';
const PREPROCESSOR_FLAGS = '-D_FORTIFY_SOURCE=2';
const LINKER_FLAGS = '-Wl,-z,relro';
/** Words of configure that set compiler flags. */
const FLAGS = /^(CFLAGS|CXXFLAGS)=/;

/** Where to compile, and where to install. */
export interface CompilePlaces {
  folder: string;
  staging: string;
  /** Absolute, as on the hosts. */
  libdir: string;
}

/**
 * Regenerates, configures, makes and installs into the staging folder.
 * @throws HsmfleetError as runStage; TASK_FAILED when this is no autotools project
 */
export async function compile(step: BuildPackage, room: BuildRoom, { folder, staging, libdir }: CompilePlaces): Promise<void> {
  await regenerate(step, room, folder);
  if (!existsSync(join(folder, 'configure'))) {
    throw new HsmfleetError('TASK_FAILED', `the sources of ${room.what} have neither configure.ac nor configure: they are not built with autotools`, {
      hint: 'is the archive a release of the project, and not of its packaging?',
    });
  }
  // paths of the builder go into no binary
  const map = `-ffile-prefix-map=${folder}=/usr/src/${step.name}-${step.version}`;
  const own = step.configure.map((word) => (FLAGS.test(word) ? `${word} ${map}` : word));
  const env = { CFLAGS: `${COMPILER_FLAGS} ${map}`, CXXFLAGS: `${COMPILER_FLAGS} ${map}`, CPPFLAGS: PREPROCESSOR_FLAGS, LDFLAGS: LINKER_FLAGS };
  await runStage(room, {
    stage: 'configure',
    argv: [
      './configure', `--prefix=${step.prefix}`, `--libdir=${libdir}`,
      '--sysconfdir=/etc', '--localstatedir=/var', '--disable-dependency-tracking', ...own,
    ],
    cwd: folder,
    env,
  });
  await runStage(room, { stage: 'make', argv: ['make', `-j${String(step.jobs)}`], cwd: folder });
  await runStage(room, { stage: 'make install', argv: ['make', 'install', `DESTDIR=${staging}`], cwd: folder });
}

async function regenerate(step: BuildPackage, room: BuildRoom, folder: string): Promise<void> {
  const has = (name: string): boolean => existsSync(join(folder, name));
  const way = step.regenerate === 'auto'
    ? has('configure.ac') || has('configure.in') ? 'autoreconf' : has('autogen.sh') && !has('configure') ? 'autogen' : 'no'
    : step.regenerate;
  if (way === 'autoreconf') await runStage(room, { stage: 'autoreconf', argv: ['autoreconf', '--force', '--install'], cwd: folder });
  if (way === 'autogen') {
    // many of these scripts run configure, which is to come with our words
    const executable = has('autogen.sh') && (lstatSync(join(folder, 'autogen.sh')).mode & 0o100) !== 0;
    await runStage(room, { stage: 'autogen.sh', argv: executable ? ['./autogen.sh'] : ['sh', './autogen.sh'], cwd: folder, env: { NOCONFIGURE: '1' } });
  }
}

/** The folder of libraries that the distribution's own packages use. */
export async function libdirOf(step: BuildPackage, room: BuildRoom): Promise<string> {
  if (step.prefix !== '/usr') return `${step.prefix}/lib`;
  if (step.format === 'deb') {
    const triplet = await readProgram(room, { stage: 'asking for the architecture', argv: ['dpkg-architecture', '-qDEB_HOST_MULTIARCH'], cwd: '/' });
    return `/usr/lib/${triplet.trim()}`;
  }
  if (step.format === 'rpm') return (await readProgram(room, { stage: 'asking for the folder of libraries', argv: ['rpm', '--eval', '%{_libdir}'], cwd: '/' })).trim();
  return '/usr/lib';
}
