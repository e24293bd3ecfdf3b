import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Deferred, HsmfleetError, Secret, type ArtifactInput, type BlobRef, type TaskInput, type Value } from '@hsmfleet/contract';
import { bindTemplates, hasMarkup, renderTemplate, type Templates } from '@hsmfleet/template';
import { UnopenedFile, type SealedFiles } from '@hsmfleet/yaml-source';
import type { ExpandedTask, Frame } from './expanded.ts';
import { searchFolders } from './find-files.ts';
import type { BlobSource } from './model.ts';
import type { Variables } from './variables.ts';

/** Hashes of files seen in this process, by path; valid while time and size stay. */
const hashes = new Map<string, { mtimeMs: number; size: number; sha256: string }>();

/** Largest encrypted file that is sent, in bytes: it travels in one message with the rest of the plan. */
const MAX_SEALED = 4 * 1024 * 1024;

/** A task's input before it is encoded for a host. */
export type PreparedInput = Extract<TaskInput, { kind: 'blob' }> | ArtifactInput | { kind: 'template'; name: string; text: Value; encoding?: 'base64' };

/** Finds and reads the files of the control host that tasks name. */
export class TaskFiles {
  readonly blobs = new Map<string, BlobSource>();
  readonly #templates = new Map<string, { text: string; sealed: boolean }>();
  readonly #sealed: SealedFiles;
  /** Where names were found, by what is around the task. */
  readonly #found = new Map<Frame, Map<string, string>>();
  /** Files that are encrypted, opened, by path. */
  readonly #secrets = new Map<string, Secret>();

  /** What templates include, import or extend. */
  readonly #others: Templates;

  constructor(others: Templates, sealed: SealedFiles) {
    this.#others = others;
    this.#sealed = sealed;
  }

  /**
   * A file as it is. One that is encrypted travels decrypted, as a secret in the plan: as a blob it would wait on the host
   * for the next run.
   * @throws HsmfleetError FILE_MISSING, PLAYBOOK_INVALID, VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID at the parameter's place; UnopenedFile
   */
  blob(task: ExpandedTask, param: string, name: string): PreparedInput {
    const path = this.#find(task, param, name, 'files');
    const { size, mtimeMs } = statSync(path);
    let known = hashes.get(path);
    if (known === undefined || known.size !== size || known.mtimeMs !== mtimeMs) {
      const { bytes, sealed } = this.#read(task, param, path);
      if (sealed) return this.#secretFile(task, param, { name, path, bytes });
      known = { size, mtimeMs, sha256: createHash('sha256').update(bytes).digest('hex') };
      hashes.set(path, known);
    }
    const { sha256 } = known;
    this.blobs.set(sha256, { sha256, path, size });
    const blob: BlobRef = { sha256, size, name };
    return { kind: 'blob', blob };
  }

  #secretFile(task: ExpandedTask, param: string, { name, path, bytes }: { name: string; path: string; bytes: Buffer }): PreparedInput {
    if (task.resource.secretFiles?.includes(param) !== true) {
      throw task.source.problem('PLAYBOOK_INVALID', `${path} is encrypted, and ${task.resource.name}.${param} takes no secret`, task.placeOf([param], 'value'), 'give it a plain file');
    }
    if (bytes.length > MAX_SEALED) {
      throw task.source.problem('PLAYBOOK_INVALID', `${path} holds ${String(bytes.length)} bytes: encrypted files of up to ${String(MAX_SEALED)} are sent`, task.placeOf([param], 'value'), 'leave plain what is not secret, or encrypt it in a way that the host opens');
    }
    // one text for all hosts: a fleet's worth of copies would fill the memory
    let text = this.#secrets.get(path);
    if (text === undefined) this.#secrets.set(path, (text = new Secret(bytes.toString('base64'), `the file ${name}`)));
    return { kind: 'template', name, text, encoding: 'base64' };
  }

  /**
   * A template: rendered when the control host knows all it needs, else its text for the host.
   * @throws HsmfleetError FILE_MISSING, UNDEFINED_VARIABLE, TEMPLATE_INVALID
   */
  template(task: ExpandedTask, param: string, name: string, variables: Variables, guards: ReadonlySet<string>): PreparedInput {
    const path = this.#find(task, param, name, 'templates');
    let known = this.#templates.get(path);
    if (known === undefined) {
      const { bytes, sealed } = this.#read(task, param, path);
      known = { text: bytes.toString('utf8'), sealed };
      this.#templates.set(path, known);
    }
    const { text, sealed } = known;
    if (!hasMarkup(text) && !text.startsWith('#jinja2:')) return { kind: 'template', name, text: sealed ? new Secret(text, `the template ${name}`) : text };
    const deferred = bindTemplates(new Deferred(text, 'text', { file: path, line: 1, column: 1 }, sealed ? `the template ${name}` : undefined), this.#others);
    if (variables.mustWait(deferred, guards)) return { kind: 'template', name, text: variables.withLookups(deferred) };
    return { kind: 'template', name, text: renderTemplate(deferred, variables.scope) };
  }

  #find(task: ExpandedTask, param: string, name: string, folder: 'files' | 'templates'): string {
    const known = this.#found.get(task.frame)?.get(`${folder}/${name}`);
    if (known !== undefined) return known;
    const places = isAbsolute(name) ? [name] : searchFolders(task.frame, folder).map((each) => join(each, name));
    const path = places.find((place) => statSync(place, { throwIfNoEntry: false }) !== undefined);
    if (path === undefined) {
      throw this.#problem(task, param, `the ${folder === 'files' ? 'file' : 'template'} "${name}" does not exist`, `looked for ${places.join(', ')}`);
    }
    if (statSync(path).isDirectory()) throw this.#problem(task, param, `${path} is a directory: only files are supported yet`, 'name the files one by one, with loop');
    let found = this.#found.get(task.frame);
    if (found === undefined) this.#found.set(task.frame, (found = new Map()));
    found.set(`${folder}/${name}`, path);
    return path;
  }

  #read(task: ExpandedTask, param: string, path: string): { bytes: Buffer; sealed: boolean } {
    try {
      return this.#sealed.read(path);
    } catch (thrown) {
      if (thrown instanceof UnopenedFile) throw thrown;
      if (thrown instanceof HsmfleetError) throw task.source.problem(thrown.code, `${path}: ${thrown.message}`, task.placeOf([param], 'value'), thrown.hint);
      throw this.#problem(task, param, `${path} cannot be read`, 'check its permissions');
    }
  }

  #problem(task: ExpandedTask, param: string, message: string, hint: string): HsmfleetError {
    return task.source.problem('FILE_MISSING', message, task.placeOf([param], 'value'), hint);
  }
}
