import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { isScalar, visit, type Scalar } from 'yaml';
import type { VaultOpener } from './vault-values.ts';
import type { YamlSource } from './yaml-source.ts';

/** Asks a person without echo; undefined when nobody answered. */
export type Ask = (question: string) => Promise<string | undefined>;

export interface SecretOptions {
  /** Asks for `!secret prompt:`; absent: nobody can be asked. */
  ask?: Ask | undefined;
  /** Decrypts what Ansible Vault or age encrypted; absent: no password and no identity are given. */
  vault?: VaultOpener | undefined;
  /** A value that no password or identity at hand opens becomes a LockedSecret, and is a mistake only where it is used. */
  openLater?: boolean | undefined;
}

/** Answers by asker, so that a question is asked once however many files hold it. */
const answers = new WeakMap<Ask, Map<string, Promise<string | undefined>>>();

/**
 * Resolves every `!secret` of a file into {@link YamlSource.secrets}.
 * @returns problems (SECRET_REFERENCE, with position) and warnings about files that others can read
 */
export async function resolveSecrets(source: YamlSource, options: SecretOptions): Promise<{ problems: HsmfleetError[]; warnings: string[] }> {
  const problems: HsmfleetError[] = [];
  const warnings: string[] = [];
  const nodes: Scalar[] = [];
  visit(source.root, {
    Node(_key, node) {
      if (node.tag !== '!secret') return;
      if (isScalar(node)) nodes.push(node);
      else problems.push(source.problem('SECRET_REFERENCE', '!secret takes a text', node, FORMS));
    },
  });
  for (const node of nodes) {
    try {
      source.secrets.set(node, await resolveReference(String(node.value), source, options, warnings));
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      problems.push(source.problem('SECRET_REFERENCE', thrown.message, node, thrown.hint));
    }
  }
  return { problems, warnings };
}

const FORMS = 'write !secret file:PATH, !secret env:NAME or !secret prompt:QUESTION';

async function resolveReference(reference: string, source: YamlSource, options: SecretOptions, warnings: string[]): Promise<Secret> {
  const [, kind, rest = ''] = /^(file|env|prompt):\s*(.*)$/s.exec(reference) ?? [];
  // what stands in the place of a reference may be the secret itself, so the message does not repeat it
  if (kind === undefined || rest === '') throw new HsmfleetError('SECRET_REFERENCE', 'the secret reference has no known form', { hint: FORMS });
  if (hasMarkup(rest)) throw new HsmfleetError('SECRET_REFERENCE', 'a secret reference cannot hold a template', { hint: 'give each host its own in host_vars' });
  const value = kind === 'file' ? await fromFile(rest, source, warnings) : kind === 'env' ? fromEnvironment(rest) : await fromPrompt(rest, options.ask);
  if (value === '') throw new HsmfleetError('SECRET_REFERENCE', `the secret ${kind}:${rest} is empty`);
  return new Secret(value, kind === 'prompt' ? `the answer to "${rest}"` : `${kind}:${rest}`);
}

async function fromFile(path: string, source: YamlSource, warnings: string[]): Promise<string> {
  const full = resolve(dirname(source.path), path.replace(/^~(?=\/)/, homedir()));
  try {
    const [text, { mode }] = await Promise.all([readFile(full, 'utf8'), stat(full)]);
    if ((mode & 0o044) !== 0) {
      const warning = `the secret file ${full} can be read by group or others: chmod 600 ${basename(full)}`;
      if (!warnings.includes(warning)) warnings.push(warning);
    }
    return text.replace(/\r?\n$/, '');
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HsmfleetError('SECRET_REFERENCE', `the secret file ${full} ${missing ? 'does not exist' : 'cannot be read'}`, {
      hint: 'the path is relative to the file with the reference',
      cause: thrown,
    });
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new HsmfleetError('SECRET_REFERENCE', `the environment variable ${name} is not set`, { hint: `set it: ${name}=… hsmfleet …` });
  return value;
}

async function fromPrompt(question: string, ask: Ask | undefined): Promise<string> {
  if (ask === undefined) throw new HsmfleetError('SECRET_REFERENCE', `nobody can be asked "${question}"`, { hint: 'run on a terminal, or use !secret file: or env:' });
  let known = answers.get(ask);
  if (known === undefined) answers.set(ask, (known = new Map()));
  let answer = known.get(question);
  if (answer === undefined) known.set(question, (answer = ask(question)));
  const value = await answer;
  if (value === undefined) throw new HsmfleetError('SECRET_REFERENCE', `the question "${question}" was not answered`);
  return value;
}
