import { basename } from 'node:path';
import { Deferred, HsmfleetError, LockedSecret, Secret, type SourcePosition, type Value } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { isLocked, type Problems, type SecretOptions } from '@hsmfleet/yaml-source';
import { assign, assignToGroup, type HostsGraph } from './hosts-graph.ts';
import { runHostsScript, type ScriptAnswer, type ScriptOptions } from './hosts-script.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonMap = { [key: string]: Json };

/** Runs of `--host` at once, for scripts that tell no variables with `--list`. */
const HOSTS_AT_ONCE = 8;

/** Reads an executable hosts file into the graph: what it answers to `--list` and, without `_meta`, to `--host`. */
export class ScriptReader {
  readonly #path: string;
  readonly #graph: HostsGraph;
  readonly #problems: Problems;
  readonly #options: SecretOptions & ScriptOptions;
  readonly #position: SourcePosition;
  readonly warnings: string[] = [];

  constructor(path: string, graph: HostsGraph, problems: Problems, options: SecretOptions & ScriptOptions) {
    this.#path = path;
    this.#graph = graph;
    this.#problems = problems;
    this.#options = options;
    this.#position = { file: `${path} --list`, line: 1, column: 1 };
  }

  /** @throws HsmfleetError HOSTS_INVALID, TIMEOUT */
  async read(): Promise<void> {
    const listed = await this.#ask(['--list']);
    const hosts = new Set<string>();
    let variables: Json | undefined;
    for (const [name, data] of Object.entries(listed)) {
      if (name !== '_meta') await this.#group(name, data, hosts);
      else if (isMap(data) && data.hostvars !== undefined) variables = data.hostvars;
    }
    if (variables !== undefined && !isMap(variables)) throw this.#wrong('"hostvars" in "_meta" must be a mapping of hosts to their variables');
    if (variables !== undefined) {
      for (const name of hosts) await this.#hostVariables(name, Object.hasOwn(variables, name) ? (variables[name] as Json) : {});
      return;
    }
    const names = [...hosts];
    const answers = new Map<string, JsonMap>();
    const next = async (): Promise<void> => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) answers.set(name, await this.#ask(['--host', name], true));
    };
    await Promise.all(Array.from({ length: HOSTS_AT_ONCE }, next));
    for (const name of hosts) await this.#hostVariables(name, answers.get(name) ?? {});
  }

  async #ask(args: string[], mayBeSilent = false): Promise<JsonMap> {
    const answer = await runHostsScript(this.#path, args, this.#options);
    if (answer.stderr.trim() !== '') this.warnings.push(`${this.#path} wrote: ${answer.stderr.trim()}`);
    if (mayBeSilent && answer.stdout.trim() === '') return {};
    const parsed = this.#parse(answer, args);
    if (!isMap(parsed)) throw this.#wrong('its answer must be a JSON mapping of groups', args);
    return parsed;
  }

  #parse({ stdout }: ScriptAnswer, args: string[]): Json {
    try {
      return JSON.parse(stdout) as Json;
    } catch (thrown) {
      if (stdout.trim() === '') throw this.#wrong('it answered nothing', args);
      // the parser's own message shows a part of the text, which may hold secrets
      const at = /at position (\d+)/.exec((thrown as Error).message)?.[1];
      const before = at === undefined ? undefined : stdout.slice(0, Number(at)).split('\n');
      const where = before === undefined ? '' : ` (line ${String(before.length)}, column ${String((before.at(-1) ?? '').length + 1)} of it)`;
      throw this.#wrong(`its answer is no JSON${where}`, args);
    }
  }

  async #group(name: string, data: Json, found: Set<string>): Promise<void> {
    const group = this.#graph.group(name, { position: this.#position, excerpt: undefined });
    const whole: JsonMap = !isMap(data) ? { hosts: data } : ['hosts', 'vars', 'children'].some((key) => Object.hasOwn(data, key)) ? data : { hosts: [name], vars: data };
    const { hosts = [], vars = {}, children = [] } = whole;
    if (!isTexts(hosts)) throw this.#wrong(`the hosts of the group "${name}" must be a list of names`);
    if (!isMap(vars)) throw this.#wrong(`the variables of the group "${name}" must be a mapping`);
    if (!isTexts(children)) throw this.#wrong(`the children of the group "${name}" must be a list of names`);
    for (const host of hosts) {
      this.#graph.host(host, { ...this.#position, file: this.#path });
      group.hosts.add(host);
      found.add(host);
    }
    for (const [key, value] of await this.#values(vars, this.#position)) {
      const wrong = assignToGroup(group, key, value, this.#position);
      if (wrong !== undefined) throw this.#wrong(`${wrong}, in the group "${name}"`);
    }
    for (const child of children) {
      this.#graph.group(child, { position: this.#position, excerpt: undefined });
      group.children.add(child);
    }
  }

  async #hostVariables(name: string, data: Json): Promise<void> {
    if (!isMap(data)) throw this.#wrong(`the variables of the host "${name}" must be a mapping`);
    const host = this.#graph.host(name, this.#position);
    for (const [key, value] of await this.#values(data, this.#position)) assign(host, key, value, this.#position);
  }

  async #values(map: JsonMap, position: SourcePosition): Promise<[string, Value][]> {
    const values: [string, Value][] = [];
    for (const [key, value] of Object.entries(map)) {
      if (key === '__proto__') throw this.#wrong('the key "__proto__" is not allowed');
      values.push([key, await this.#value(value, position)]);
    }
    return values;
  }

  async #value(value: Json, position: SourcePosition): Promise<Value> {
    if (typeof value === 'string') return hasMarkup(value) ? new Deferred(value, 'text', position) : value;
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return Promise.all(value.map((item) => this.#value(item, position)));
    // so Ansible writes encrypted texts, and those that are no templates, into JSON
    if (typeof value.__ansible_unsafe === 'string') return value.__ansible_unsafe;
    if (typeof value.__ansible_vault === 'string') return this.#opened(value.__ansible_vault);
    return Object.fromEntries(await this.#values(value, position));
  }

  async #opened(sealed: string): Promise<Value> {
    const { vault } = this.#options;
    try {
      if (vault === undefined) {
        throw new HsmfleetError('VAULT_PASSWORD', 'it is encrypted with Ansible Vault, and no vault password is given', { hint: 'give one with --vault-password-file, --vault-id or --ask-vault-pass' });
      }
      return new Secret((await vault.open(sealed)).plaintext.toString('utf8'), `vault:${basename(this.#path)}`);
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      const problem = new HsmfleetError(thrown.code, `a value of the hosts file ${this.#path}: ${thrown.message}`, { hint: thrown.hint, cause: thrown });
      if (this.#options.openLater === true && isLocked(problem)) return new LockedSecret(problem, `vault:${basename(this.#path)}`);
      this.#problems.add(problem);
      return null;
    }
  }

  #wrong(what: string, args: readonly string[] = ['--list']): HsmfleetError {
    return new HsmfleetError('HOSTS_INVALID', `the hosts file ${[this.#path, ...args].join(' ')}: ${what}`, { hint: `run it by hand: ${[this.#path, ...args].join(' ')}` });
  }
}

function isMap(value: Json | undefined): value is JsonMap {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isTexts(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}
