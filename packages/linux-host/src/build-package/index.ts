import { createHash } from 'node:crypto';
import { chmodSync, closeSync, copyFileSync, fstatSync, lchownSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HsmfleetError, type Artifact } from '@hsmfleet/contract';
import type { BuildPackage, ExecuteContext, StepResult } from '@hsmfleet/resource';
import type { Accounts } from '../accounts.ts';
import { PATH, identityOf, runCommand } from '../command.ts';
import { packArch } from './arch.ts';
import { compile, libdirOf } from './autotools.ts';
import { packDeb } from './deb.ts';
import type { Packed } from './packing.ts';
import { packRpm } from './rpm.ts';
import { bringSources } from './sources.ts';
import { findProgram, runStage, type BuildRoom } from './stage.ts';
import { date, tidy } from './staging.ts';

/** What building needs to know of the host. */
export interface BuildDeps {
  accounts: Accounts;
  /** Absolute path of a blob that travelled with the plan. */
  blob(sha256: string): string;
  /** The host's name, until the control host puts its own in place. */
  hostname: string;
  /** Folders in which programs are looked for, with colons; the agent's usual ones by default. */
  searchPath?: string;
}

/** Characters of the log that travel with the artefact. */
const LOG_TAIL = 16_000;
/** Packages kept on a builder; older ones make room. */
const KEPT = 20;
const PACKERS = { deb: packDeb, rpm: packRpm, arch: packArch };
const TOOLS = { deb: ['dpkg-deb', 'dpkg-shlibdeps'], rpm: ['rpmbuild'], arch: ['bsdtar', 'pacman'] };

/**
 * Builds a package (see {@link BuildPackage}). Everything happens in the step's work folder, which is gone afterwards, as a
 * user that can change nothing else.
 * @throws HsmfleetError COMMAND_FAILED, TIMEOUT, TASK_FAILED: what failed first, with the end of the log in `details.log_tail`
 */
export async function buildPackageStep(step: BuildPackage, deps: BuildDeps, context: ExecuteContext): Promise<StepResult> {
  const startedAt = new Date();
  const user = process.getuid?.() === 0 ? step.user : undefined;
  const account = user === undefined ? undefined : await deps.accounts.user(user);
  const identity = await identityOf(user, deps.accounts);
  mkdirSync(step.outputDir, { recursive: true, mode: 0o700 });
  for (const old of readdirSync(step.outputDir)) rmSync(join(step.outputDir, old), { recursive: true });
  const log = join(step.outputDir, 'build.log');
  writeFileSync(log, `${step.name} ${step.version}-${step.revision}, inputs ${step.inputsSha256}\n`, { mode: 0o600 });
  makeWorkDir(step.workDir, account);
  try {
    const room: BuildRoom = {
      what: `${step.name} ${step.version}-${step.revision}`,
      identity,
      env: { PATH: deps.searchPath ?? PATH, LANG: 'C', LC_ALL: 'C', TZ: 'UTC', HOME: join(step.workDir, 'home') },
      log,
      timeoutMs: step.timeoutMs,
      read: (argv, options) => runCommand(argv, { ...options, ...(user === undefined ? {} : { user }) }, deps.accounts),
      progress: (message) => { context.progress(message); },
    };
    for (const tool of ['tar', 'make', 'strip', 'objdump', ...TOOLS[step.format]]) findProgram(tool, '/', room.env.PATH ?? '', `building a ${step.format} package`);
    const owner = account === undefined ? undefined : { uid: account.id, gid: account.gid };
    const sources = await bringSources(step, room, owner, (sha256) => deps.blob(sha256));
    const dated: BuildRoom = { ...room, env: { ...room.env, SOURCE_DATE_EPOCH: String(sources.epoch) } };
    const libdir = await libdirOf(step, dated);
    const packing = join(step.workDir, 'packing');
    // where dpkg-shlibdeps expects the files of a package
    const staging = join(packing, 'debian', step.name);
    for (const folder of [packing, dirname(staging), staging]) makeFolder(folder, account);
    await compile(step, dated, { folder: sources.folder, staging, libdir });
    const files = tidy(staging, room.what);
    const binaries = files.filter((file) => file.elf).map((file) => file.path);
    if (binaries.length > 0) await runStage(dated, { stage: 'strip', argv: ['strip', '--strip-unneeded', ...binaries], cwd: packing });
    // strip writes folders too
    date(staging, files, sources.epoch);
    const packed = await PACKERS[step.format](step, dated, { packing, staging, files, epoch: sources.epoch });
    keep(step, packed, log, deps.hostname);
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    throw new HsmfleetError('TASK_FAILED', `${step.name} ${step.version} cannot be built: ${(thrown as Error).message}`, { cause: thrown });
  } finally {
    rmSync(step.workDir, { recursive: true, force: true });
  }
  return { step, startedAt: startedAt.toISOString(), durationMs: Date.now() - startedAt.getTime() };
}

/** The package and, when it is whole, word of it: who finds artifact.json finds a package that is complete. */
function keep(step: BuildPackage, packed: Packed, log: string, hostname: string): void {
  const path = join(step.outputDir, packed.file);
  copyFileSync(packed.path, path);
  const bytes = readFileSync(path);
  const artifact: Artifact = {
    name: step.name,
    version: `${step.version}-${step.revision}`,
    architecture: packed.architecture,
    format: step.format,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    buildHost: hostname,
    builtAt: new Date().toISOString(),
    inputsSha256: step.inputsSha256,
    log: endOf(log),
    file: packed.file,
  };
  const part = join(step.outputDir, '.artifact.json');
  writeFileSync(part, `${JSON.stringify({ artifact, depends: packed.depends }, null, 2)}\n`, { mode: 0o600 });
  renameSync(part, join(step.outputDir, 'artifact.json'));
  prune(dirname(step.outputDir));
}

function endOf(log: string): string {
  const file = openSync(log, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, LOG_TAIL));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function prune(folder: string): void {
  const byAge = readdirSync(folder)
    .map((name) => ({ path: join(folder, name), time: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  for (const { path } of byAge.slice(KEPT)) rmSync(path, { recursive: true, force: true });
}

/** Builds never run side by side on a host, so what lies there was left by one that was killed. */
function makeWorkDir(workDir: string, account: { id: number; gid: number } | undefined): void {
  const parent = dirname(workDir);
  mkdirSync(parent, { recursive: true });
  // whatever the agent's umask: the build's user has to get in
  chmodSync(parent, 0o755);
  for (const left of readdirSync(parent)) rmSync(join(parent, left), { recursive: true, force: true });
  makeFolder(workDir, account);
  makeFolder(join(workDir, 'home'), account);
}

function makeFolder(path: string, account: { id: number; gid: number } | undefined): void {
  mkdirSync(path);
  chmodSync(path, 0o755);
  if (account !== undefined) lchownSync(path, account.id, account.gid);
}
