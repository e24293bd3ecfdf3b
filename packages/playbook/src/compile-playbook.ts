import { dirname, join, resolve } from 'node:path';
import { HsmfleetError, type Value } from '@hsmfleet/contract';
import type { HostEntry } from '@hsmfleet/hosts';
import { Problems, SealedFiles, suggestion } from '@hsmfleet/yaml-source';
import { orderHosts } from './batches.ts';
import { compilePlay, numberSteps } from './compile-play.ts';
import { namesIn } from './compile-steps.ts';
import { createControlLookups, createTemplates, type ControlFiles } from './control-lookups.ts';
import { tasksOf, type ExpandedPlay, type Frame } from './expanded.ts';
import { expandPlay } from './expand-play.ts';
import { searchFolders } from './find-files.ts';
import { HostKnowledge } from './host-knowledge.ts';
import { knownValues } from './known-values.ts';
import { listTasks } from './list-tasks.ts';
import { loadPlays } from './load-plays.ts';
import type { CompiledPlaybook, CompiledPlay, CompileOptions } from './model.ts';
import { PlayVariables } from './play-variables.ts';
import type { PlaySource } from './source.ts';
import { StartAtTask } from './start-at-task.ts';
import { SPECIAL_TAGS } from './tags.ts';
import { TaskFiles } from './task-files.ts';

/** The resource that builds packages, by their parameter `name`. */
const BUILDER = 'source_package';

/**
 * Compiles a playbook into one plan per play and host. No host is touched.
 * @throws HsmfleetError, or HsmfleetErrors with every mistake found, each with file, line, column and the line's text:
 *   PLAYBOOK_SYNTAX, PLAYBOOK_INVALID, UNDEFINED_VARIABLE, TEMPLATE_INVALID, FILE_MISSING, SECRET_REFERENCE,
 *   VAULT_PASSWORD, VAULT_INVALID, HOST_PATTERN, PARAMS_INVALID, ARTIFACT_MISSING
 */
export async function compilePlaybook(given: CompileOptions): Promise<CompiledPlaybook> {
  const answers = new Map<string, Promise<string | undefined>>();
  const { ask } = given;
  const options = {
    ...given,
    playbook: resolve(given.playbook),
    ...(given.artifacts === undefined ? {} : { artifacts: once(given.artifacts) }),
    // nobody is asked twice when the work begins again
    ...(ask === undefined ? {} : { ask: (question: string) => answers.get(question) ?? remember(answers, question, ask(question)) }),
  };
  const sealed = new SealedFiles(options.vault);
  for (;;) {
    try {
      return await compileOnce(options, sealed);
    } catch (thrown) {
      await sealed.settle(thrown);
    }
  }
}

/** @throws UnopenedFile when it meets an encrypted file that has to be opened first */
async function compileOnce(options: CompileOptions, sealed: SealedFiles): Promise<CompiledPlaybook> {
  const problems = new Problems();
  const resources = options.resources ?? (await import('@hsmfleet/resources')).resources;
  const { library, plays, readable } = await loadPlays({ ...options, resources }, problems);
  // a file that is no YAML cannot be judged any further
  if (!readable) problems.throwIfAny();
  checkLimit(options, problems);
  const knowledge = new HostKnowledge(options);
  let current: Frame | undefined;
  const control: ControlFiles = { sealed, searchFolders: (kind) => (current === undefined ? [join(dirname(options.playbook), kind), dirname(options.playbook)] : searchFolders(current, kind)) };
  const lookups = createControlLookups(control);
  const files = new TaskFiles(createTemplates(control), sealed);
  const variables = new PlayVariables(options, problems, lookups, library.vars);
  const prepared: PreparedPlay[] = [];
  const everRegistered = new Set<string>();
  for (const [index, play] of plays.entries()) {
    const hosts = orderHosts(selectHosts(play, options, problems), play.order);
    const entries = hosts.filter((name) => options.only?.has(name) !== false).map((name) => options.hosts.find(name) as HostEntry);
    const before = problems.count;
    const varsOf = await variables.load(play, entries);
    const expanded = await expandPlay(play, {
      library, problems, tags: options.tags, skipTags: options.skipTags, extra: options.extraVars ?? {}, registered: everRegistered,
      known: (value, frame, vars, registered, loop) => {
        current = frame;
        return knownValues(value, { frame, vars, registered, loop, entries, varsOf, play, knowledge, extra: options.extraVars ?? {}, lookups });
      },
    });
    numberSteps(expanded.steps, `${String(index)}.t`);
    numberSteps(expanded.handlers, `${String(index)}.h`);
    for (const name of namesIn([...expanded.steps, ...expanded.handlers])) everRegistered.add(name);
    prepared.push({ play, expanded, hosts, varsOf, complete: problems.count === before && !library.incomplete });
  }
  const built = new Set(prepared.flatMap(({ expanded }) => [...tasksOf(expanded.steps)].flatMap((step) => (step.kind === 'task' && step.resource.name === BUILDER ? [typeof step.params.name === 'string' ? step.params.name : undefined] : []))));
  const remembered = new Map<string, Set<string>>();
  const startAt = options.startAtTask === undefined ? undefined : new StartAtTask(options.startAtTask);
  const compiled = prepared.map(({ play, expanded, hosts, varsOf, complete }, index) => compilePlay(play, expanded, index, hosts, {
    options, problems, knowledge, files, lookups, varsOf, complete, remembered, built, everRegistered, startAt,
    enter: (frame) => { current = frame; },
  }));
  problems.throwIfAny();
  startAt?.check();
  return {
    path: options.playbook, plays: compiled, blobs: files.blobs,
    listed: prepared.map(({ play, expanded }) => listTasks(play, expanded)),
    warnings: [...library.warnings, ...library.vars.warnings, ...warningsOf(compiled, options, everRegistered), ...unknownTags(prepared, options)],
  };
}

/** A play with its imports resolved and its hosts chosen. */
interface PreparedPlay {
  play: PlaySource;
  expanded: ExpandedPlay;
  hosts: string[];
  varsOf(host: HostEntry): Readonly<Record<string, Value>>[];
  complete: boolean;
}

function selectHosts(play: PlaySource, options: CompileOptions, problems: Problems): string[] {
  try {
    return options.hosts.select(play.hosts.value, options.limit);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    // a mistake in --limit has no place in the playbook
    problems.add(patternIsGood(play, options) ? thrown : play.source.problem(thrown.code, thrown.message, play.hosts.node, thrown.hint));
    return [];
  }
}

/** A limit that leaves no host at all is a slip of the keyboard; one that leaves none of a single play is not. */
function checkLimit({ hosts, limit }: CompileOptions, problems: Problems): void {
  if (limit === undefined) return;
  const chosen = problems.attempt(() => hosts.select('all', limit));
  if (chosen?.length === 0) problems.add(new HsmfleetError('HOST_PATTERN', `no host matches the limit "${limit}"`, { hint: 'hsmfleet hosts -i HOSTS PATTERN shows what a pattern selects' }));
}

function patternIsGood(play: PlaySource, options: CompileOptions): boolean {
  try {
    options.hosts.select(play.hosts.value);
    return true;
  } catch {
    return false;
  }
}

function warningsOf(plays: CompiledPlay[], options: CompileOptions, registered: ReadonlySet<string>): string[] {
  const warnings = plays.filter((play) => play.hosts.length === 0).map((play) => `the play "${play.name}" has no hosts`);
  for (const name of Object.keys(options.extraVars ?? {})) {
    if (registered.has(name)) warnings.push(`"${name}" is given with -e and set by a task: the value of -e is used`);
  }
  return warnings;
}

/** Warnings about tags of the command line that no task has: a slip of the keyboard would skip what was meant. */
function unknownTags(plays: readonly PreparedPlay[], { tags, skipTags }: CompileOptions): string[] {
  const known = new Set(plays.flatMap(({ expanded }) => expanded.tags));
  return [...new Set([...(tags ?? []), ...(skipTags ?? [])])].filter((tag) => !known.has(tag) && !SPECIAL_TAGS.has(tag)).map((tag) => {
    const hint = suggestion(tag, [...known]) ?? (known.size === 0 ? 'no task has tags' : `the tags are ${[...known].sort().join(', ')}`);
    return `no task has the tag "${tag}": ${hint}`;
  });
}

function remember<T>(known: Map<string, T>, key: string, value: T): T {
  known.set(key, value);
  return value;
}

function once<T>(read: () => T): () => T {
  let known: { value: T } | undefined;
  return () => (known ??= { value: read() }).value;
}
