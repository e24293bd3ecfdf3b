import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { HsmfleetError} from '@hsmfleet/contract';
import { Deferred, type ArtifactInput, type BlobRef, type TaskInput, type Value } from '@hsmfleet/contract';
import { bindTemplates, hasMarkup, renderTemplate, type Templates } from '@hsmfleet/template';
import type { BlobSource } from './model.ts';
import type { TaskSource } from './source.ts';
import type { Variables } from './variables.ts';

/** Hashes of files seen in this process, by path; valid while time and size stay. */
const hashes = new Map<string, { mtimeMs: number; size: number; sha256: string }>();

/** How what Ansible Vault encrypted begins: a host that got it as it is would not be served by it. */
const VAULT_MAGIC = '$ANSIBLE_VAULT';

/** A task's input before it is encoded for a host. */
export type PreparedInput = Extract<TaskInput, { kind: 'blob' }> | ArtifactInput | { kind: 'template'; name: string; text: Value };

/** Finds and reads the files of the control host that tasks name. */
export class TaskFiles {
  readonly blobs = new Map<string, BlobSource>();
  readonly #folder: string;
  readonly #templates = new Map<string, string>();

  /** What templates include, import or extend. */
  readonly #others: Templates;

  /** `folder` is the playbook's. */
  constructor(folder: string, others: Templates) {
    this.#folder = folder;
    this.#others = others;
  }

  /** @throws HsmfleetError FILE_MISSING at the parameter's place */
  blob(task: TaskSource, param: string, name: string): PreparedInput {
    const path = this.#find(task, param, name, 'files');
    const { size, mtimeMs } = statSync(path);
    let known = hashes.get(path);
    if (known === undefined || known.size !== size || known.mtimeMs !== mtimeMs) {
      known = { size, mtimeMs, sha256: createHash('sha256').update(this.#read(task, param, path)).digest('hex') };
      hashes.set(path, known);
    }
    const { sha256 } = known;
    this.blobs.set(sha256, { sha256, path, size });
    const blob: BlobRef = { sha256, size, name };
    return { kind: 'blob', blob };
  }

  /**
   * A template: rendered when the control host knows all it needs, else its text for the host.
   * @throws HsmfleetError FILE_MISSING, UNDEFINED_VARIABLE, TEMPLATE_INVALID
   */
  template(task: TaskSource, param: string, name: string, variables: Variables, guards: ReadonlySet<string>): PreparedInput {
    const path = this.#find(task, param, name, 'templates');
    let text = this.#templates.get(path);
    if (text === undefined) {
      text = this.#read(task, param, path).toString('utf8');
      this.#templates.set(path, text);
    }
    if (!hasMarkup(text) && !text.startsWith('#jinja2:')) return { kind: 'template', name, text };
    const deferred = bindTemplates(new Deferred(text, 'text', { file: path, line: 1, column: 1 }), this.#others);
    if (variables.mustWait(deferred, guards)) return { kind: 'template', name, text: variables.withLookups(deferred) };
    return { kind: 'template', name, text: renderTemplate(deferred, variables.scope) };
  }

  #find(task: TaskSource, param: string, name: string, folder: 'files' | 'templates'): string {
    const places = isAbsolute(name) ? [name] : [join(this.#folder, folder, name), join(this.#folder, name)];
    const path = places.find((place) => statSync(place, { throwIfNoEntry: false }) !== undefined);
    if (path === undefined) {
      throw this.#problem(task, param, `the ${folder === 'files' ? 'file' : 'template'} "${name}" does not exist`, `looked for ${places.join(' and ')}`);
    }
    if (statSync(path).isDirectory()) throw this.#problem(task, param, `${path} is a directory: only files are supported yet`, 'name the files one by one, with loop');
    return path;
  }

  #read(task: TaskSource, param: string, path: string): Buffer {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      throw this.#problem(task, param, `${path} cannot be read`, 'check its permissions');
    }
    if (bytes.subarray(0, VAULT_MAGIC.length).toString('latin1') === VAULT_MAGIC) {
      throw task.source.problem('PLAYBOOK_INVALID', `${path} is encrypted with Ansible Vault, and files are not decrypted on their way to a host`, task.placeOf([param], 'value'),
        'keep its text in an encrypted variable, and use copy with content');
    }
    return bytes;
  }

  #problem(task: TaskSource, param: string, message: string, hint: string): HsmfleetError {
    return task.source.problem('FILE_MISSING', message, task.placeOf([param], 'value'), hint);
  }
}
