import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Deferred, HsmfleetError, Secret, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { HostEntry, VarsFiles } from '@hsmfleet/hosts';
import { renderValue, scopeOf, type Lookups } from '@hsmfleet/template';
import type { Problems } from '@hsmfleet/yaml-source';
import type { CompileOptions } from './model.ts';
import type { Placed, PlaySource, PromptSource } from './source.ts';

/** Reads what a play says about its variables: `vars`, the answers to `vars_prompt`, `vars_files`. */
export class PlayVariables {
  readonly #options: CompileOptions;
  readonly #problems: Problems;
  readonly #files: VarsFiles;
  readonly #lookups: Lookups;
  readonly #places = new WeakMap<object, ReadonlyMap<string, SourcePosition>>();
  /** Answers of earlier plays: nobody is asked the same twice. */
  readonly #answers = new Map<string, string>();

  constructor(options: CompileOptions, problems: Problems, lookups: Lookups, files: VarsFiles) {
    this.#files = files;
    this.#lookups = lookups;
    this.#options = options;
    this.#problems = problems;
  }

  /** Layers by host, lowest precedence first. Names of files may hold variables of the host. */
  async load(play: PlaySource, hosts: readonly HostEntry[]): Promise<(host: HostEntry) => Readonly<Record<string, Value>>[]> {
    const prompts = await this.#ask(play);
    const fixed: Readonly<Record<string, Value>>[] = [];
    const byHost = new Map<string, Readonly<Record<string, Value>>[]>();
    for (const placed of play.varsFiles) {
      if (!holdsDeferred(placed.value)) {
        const vars = await this.#file(play, placed, placed.value);
        fixed.push(vars);
        for (const layers of byHost.values()) layers.push(vars);
        continue;
      }
      for (const host of hosts) {
        const layers = byHost.get(host.name) ?? [...fixed];
        byHost.set(host.name, layers);
        const magic = { inventory_hostname: host.name, playbook_dir: play.folder, group_names: host.groups };
        try {
          const scope = { ...scopeOf(host.vars, play.vars, prompts, ...layers, magic, this.#options.extraVars ?? {}), lookups: this.#lookups };
          layers.push(await this.#file(play, placed, renderValue(placed.value, scope)));
        } catch (thrown) {
          if (!(thrown instanceof HsmfleetError)) throw thrown;
          this.#problems.add(play.source.problem(thrown.code, `${thrown.message} for ${host.name}`, thrown.position ?? placed.node, 'facts are not known when variables are read'));
        }
      }
    }
    return (host) => [play.vars, prompts, ...(byHost.get(host.name) ?? fixed)];
  }

  /** Where the variables of a layer are written, when it came from a file. */
  placesOf(vars: object): ReadonlyMap<string, SourcePosition> | undefined {
    return this.#places.get(vars);
  }

  /** One entry of vars_files: a path, or a list of which the first that exists is taken. */
  async #file(play: PlaySource, placed: Placed<Value>, value: Value): Promise<Readonly<Record<string, Value>>> {
    const names = [value].flat();
    const paths = names.flatMap((name) => (typeof name === 'string' && name !== '' ? [isAbsolute(name) ? name : join(play.folder, name)] : []));
    if (paths.length !== names.length) {
      this.#problems.add(play.source.problem('PLAYBOOK_INVALID', 'vars_files takes names of files', placed.node));
      return {};
    }
    const path = paths.find((each) => existsSync(each));
    if (path === undefined) {
      this.#problems.add(play.source.problem('FILE_MISSING', `the vars file ${paths.join(' or ')} does not exist`, placed.node, 'the path is relative to the playbook'));
      return {};
    }
    const { vars, places } = await this.#files.file(path);
    this.#places.set(vars, places);
    return vars;
  }

  /** What a person says, twice where it has to be confirmed. */
  async #answer({ question, confirm }: PromptSource): Promise<string | undefined> {
    const { ask } = this.#options;
    if (ask === undefined) return undefined;
    const key = JSON.stringify([question, confirm]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    for (;;) {
      const answer = await ask(question);
      if (!confirm || answer === undefined || answer === (await ask(`confirm ${question}`))) {
        if (answer !== undefined) this.#answers.set(key, answer);
        return answer;
      }
    }
  }

  async #ask(play: PlaySource): Promise<Record<string, Value>> {
    const answers: Record<string, Value> = {};
    for (const prompt of play.prompts) {
      if (Object.hasOwn(this.#options.extraVars ?? {}, prompt.name)) continue;
      const answer = (await this.#answer(prompt)) ?? prompt.fallback;
      if (answer === undefined) {
        this.#problems.add(play.source.problem('PLAYBOOK_INVALID', `nobody can be asked "${prompt.question}"`, prompt.node, `run on a terminal, or give it with -e ${prompt.name}=…`));
      } else answers[prompt.name] = prompt.private ? new Secret(answer, `the answer to "${prompt.question}"`) : answer;
    }
    return answers;
  }
}

function holdsDeferred(value: Value): boolean {
  return [value].flat().some((each) => each instanceof Deferred);
}
