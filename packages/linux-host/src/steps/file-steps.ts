import { randomBytes } from 'node:crypto';
import { chmod, chown, lchown, lstat, mkdir, open, readdir, readFile, readlink, realpath, rename, rm, rmdir, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import type { Attributes, Content, MakeDirectory, MakeLink, Remove, SetAttributes, WriteFile } from '@hsmfleet/resource';
import type { Accounts } from '../accounts.ts';

const NEW_FILE = 0o644;
const NEW_SECRET_FILE = 0o600;
const NEW_DIRECTORY = 0o755;
const LINK_DEPTH = 40;

/** What changing files needs to know of the host. */
export interface FileStepDeps {
  accounts: Accounts;
  /** Absolute path of a blob that travelled with the plan. */
  blob(sha256: string): string;
}

/** The bytes of a step's content. */
export async function contentBytes(content: Content, deps: Pick<FileStepDeps, 'blob'>): Promise<Buffer> {
  if (content.from === 'text') return Buffer.from(content.text, 'utf8');
  if (content.from === 'secret') return Buffer.from(content.text.reveal(), content.encoding ?? 'utf8');
  try {
    return await readFile(deps.blob(content.sha256));
  } catch (cause) {
    throw new HsmfleetError('AGENT', `a file that travelled with the plan is missing (${content.sha256.slice(0, 12)}…)`, {
      hint: 'run again: it will be sent again',
      cause,
    });
  }
}

/**
 * Writes a file so that it has, at every moment, either the old contents or the new ones with their owner and mode:
 * a temporary file in the same directory takes its place. Links are followed. What is not given stays as it is.
 * @throws HsmfleetError TASK_FAILED when the directory is missing, the path is a directory, or the disk says no
 */
export async function writeFileStep(step: WriteFile, deps: FileStepDeps): Promise<void> {
  const bytes = await contentBytes(step.content, deps);
  await explain(`cannot write ${step.path}`, async () => {
    const path = await followLinks(step.path);
    const before = await optional(() => stat(path));
    if (before?.isDirectory() === true) throw new HsmfleetError('TASK_FAILED', `${step.path} is a directory, so no file was written there`);
    const wanted = await resolveAttributes(step, deps.accounts);
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.hsmfleet`);
    const file = await open(temporary, 'wx', NEW_SECRET_FILE);
    try {
      try {
        await file.writeFile(bytes);
        const uid = wanted.uid ?? before?.uid;
        const gid = wanted.gid ?? before?.gid;
        if (uid !== undefined || gid !== undefined) {
          const now = await file.stat();
          if (now.uid !== (uid ?? now.uid) || now.gid !== (gid ?? now.gid)) await file.chown(uid ?? now.uid, gid ?? now.gid);
        }
        // after chown, which takes set-user-id bits away
        await file.chmod(wanted.mode ?? (before === undefined ? undefined : before.mode & 0o7777) ?? newMode(step.content));
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
  }, 'create the directory first, with the file resource and state: directory');
}

/** Makes a directory and the ones above it that are missing; the ones it makes all get the attributes, as in Ansible. */
export async function makeDirectoryStep(step: MakeDirectory, deps: FileStepDeps): Promise<void> {
  await explain(`cannot make the directory ${step.path}`, async () => {
    const wanted = await resolveAttributes(step, deps.accounts);
    const missing: string[] = [];
    for (let path = step.path; (await optional(() => stat(path))) === undefined; path = dirname(path)) missing.unshift(path);
    for (const path of missing) {
      await mkdir(path, NEW_DIRECTORY).catch((thrown: unknown) => {
        if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      });
      // mkdir's mode is cut by the umask
      await applyAttributes(path, { ...wanted, mode: wanted.mode ?? NEW_DIRECTORY });
    }
    if (missing.length > 0) return;
    if (!(await stat(step.path)).isDirectory()) throw new HsmfleetError('TASK_FAILED', `${step.path} exists and is no directory`);
    await applyAttributes(step.path, wanted);
  });
}

/** Sets owner, group and mode; with `recursive` of all below too, links among them left alone. */
export async function setAttributesStep(step: SetAttributes, deps: FileStepDeps): Promise<void> {
  await explain(`cannot set owner or mode of ${step.path}`, async () => {
    const wanted = await resolveAttributes(step, deps.accounts);
    if (step.noFollow === true) {
      const now = await lstat(step.path);
      await lchown(step.path, wanted.uid ?? now.uid, wanted.gid ?? now.gid);
      return;
    }
    if (step.recursive === true && (await stat(step.path)).isDirectory()) await applyBelow(step.path, wanted);
    await applyAttributes(step.path, wanted);
  });
}

/** Makes a symbolic link, or turns one round, in one act. With `force` a file or an empty directory gives way. */
export async function makeLinkStep(step: MakeLink): Promise<void> {
  await explain(`cannot make the link ${step.path}`, async () => {
    const before = await optional(() => lstat(step.path));
    if (before !== undefined && !before.isSymbolicLink()) {
      if (step.force !== true) throw new HsmfleetError('TASK_FAILED', `${step.path} exists and is no link`, { hint: 'give force: true to replace it' });
      if (before.isDirectory()) await rmdir(step.path);
    }
    const temporary = join(dirname(step.path), `.${basename(step.path)}.${randomBytes(6).toString('hex')}.hsmfleet`);
    await symlink(step.target, temporary);
    await rename(temporary, step.path).catch(async (thrown: unknown) => {
      await unlink(temporary);
      throw thrown;
    });
  });
}

/** Removes a file, a link (not what it points at), or a directory with all that is in it. */
export async function removeStep(step: Remove): Promise<void> {
  if (step.path === '/' || step.path === '') throw new HsmfleetError('TASK_FAILED', 'refusing to remove the root directory');
  await explain(`cannot remove ${step.path}`, () => rm(step.path, { recursive: true, force: true }));
}

interface Numeric {
  mode?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
}

async function resolveAttributes(wanted: Attributes, accounts: Accounts): Promise<Numeric> {
  const numeric: Numeric = { mode: wanted.mode };
  if (wanted.owner !== undefined) {
    numeric.uid = /^\d+$/.test(wanted.owner) ? Number(wanted.owner) : (await accounts.user(wanted.owner))?.id;
    if (numeric.uid === undefined) throw unknownName('user', wanted.owner);
  }
  if (wanted.group !== undefined) {
    numeric.gid = await accounts.groupId(wanted.group);
    if (numeric.gid === undefined) throw unknownName('group', wanted.group);
  }
  return numeric;
}

function unknownName(kind: string, name: string): HsmfleetError {
  return new HsmfleetError('TASK_FAILED', `there is no ${kind} ${name} on the host`, {
    hint: `create the ${kind} first, for example by installing the package that brings it`,
  });
}

async function applyAttributes(path: string, wanted: Numeric): Promise<void> {
  const now = await stat(path);
  if (now.uid !== (wanted.uid ?? now.uid) || now.gid !== (wanted.gid ?? now.gid)) await chown(path, wanted.uid ?? now.uid, wanted.gid ?? now.gid);
  if (wanted.mode !== undefined) await chmod(path, wanted.mode);
}

async function applyBelow(path: string, wanted: Numeric): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isDirectory()) await applyBelow(inner, wanted);
    await applyAttributes(inner, wanted);
  }
}

/** The file that a path means once links are followed, also where the last link's target does not exist yet. */
async function followLinks(path: string): Promise<string> {
  let current = path;
  for (let depth = 0; depth < LINK_DEPTH; depth += 1) {
    const stats = await optional(() => lstat(current));
    if (stats?.isSymbolicLink() !== true) return current;
    const whole = await optional(() => realpath(current));
    if (whole !== undefined) return whole;
    const target = await readlink(current);
    current = target.startsWith('/') ? target : join(dirname(current), target);
  }
  throw new HsmfleetError('TASK_FAILED', `the links at ${path} lead in a circle`);
}

function newMode(content: Content): number {
  return content.from === 'secret' ? NEW_SECRET_FILE : NEW_FILE;
}

async function optional<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function explain<T>(what: string, act: () => Promise<T>, hintForMissing?: string): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (thrown instanceof HsmfleetError || typeof code !== 'string') throw thrown;
    const hints: Record<string, string | undefined> = {
      ENOENT: hintForMissing,
      EACCES: 'run with become, as root',
      EPERM: 'run with become, as root; or the file is immutable (lsattr)',
      EROFS: 'the file system is mounted read-only',
      ENOSPC: 'the file system is full',
      ENOTEMPTY: 'the directory is not empty: remove it first, with state: absent',
    };
    throw new HsmfleetError('TASK_FAILED', `${what}: ${WORDS[code] ?? code}`, { cause: thrown, hint: hints[code] });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on the device',
  ENOTEMPTY: 'the directory is not empty',
  ELOOP: 'the links lead in a circle',
};
