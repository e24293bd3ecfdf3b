import { Deferred, type Value } from '@hsmfleet/contract';
import { Problems } from '@hsmfleet/yaml-source';
import type { Expander, Handing } from './expand-play.ts';
import { expandRole, partsOf } from './expand-role.ts';
import type { ExpandedInclude, ExpandedStep, Frame, IncludeBody, Layer } from './expanded.ts';
import { findIn, findPart, fitsShape, namesLike, rolePlaces, searchFolders, taskFolders } from './find-files.ts';
import { inherit } from './read-keywords.ts';
import type { IncludeSource, Keywords, LoopSettings } from './source.ts';

/** One thing that an include may mean: the name as it is written, and where it lies when that is known already. */
interface Candidate {
  name: string;
  path: string | undefined;
  /** Some host takes it for certain; false: its name merely fits. */
  certain: boolean;
}

/** Resolves an include that hosts decide on: everything that it could mean is read. Undefined when it is not known what to include. */
export async function expandInclude(expander: Expander, source: IncludeSource, keywords: Keywords, handing: Handing): Promise<ExpandedInclude | undefined> {
  const { what } = source;
  if (what === undefined) return undefined;
  const key = source.from.tasks?.value instanceof Deferred ? joined(what.value, source.from.tasks.value) : what.value;
  const include: ExpandedInclude = { ...source, ...keywords, vars: source.action === 'include_vars' ? keywords.vars : handing.keywords.vars, id: '', frame: handing.frame, handler: handing.handler, key, bodies: new Map() };
  const vars = { ...handing.keywords.vars, ...source.vars };
  // its own variables are above what tasks register, for itself too
  const frame: Frame = source.action === 'include_vars' ? handing.frame : {
    ...handing.frame, includeVars: { ...handing.frame.includeVars, ...source.vars }, top: { ...handing.frame.top, ...source.vars },
    bound: source.loop === undefined ? handing.frame.bound : [...handing.frame.bound, ...namesOfLoop(source.control)],
  };
  include.frame = frame;
  for (const candidate of candidatesOf(expander, source, key, frame, vars)) {
    const problems = new Problems();
    const outer = expander.problems;
    expander.problems = problems;
    expander.depth += 1;
    try {
      const body = await readBody(expander, source, candidate, { ...handing, frame }, problems);
      if (body !== undefined) include.bodies.set(candidate.name, body);
    } finally {
      expander.problems = outer;
      expander.depth -= 1;
    }
  }
  return include;
}

/** Names that a loop gives values to. */
export function namesOfLoop({ loopVar, indexVar, extended }: LoopSettings): string[] {
  return [loopVar, 'ansible_loop_var', ...(indexVar === undefined ? [] : [indexVar, 'ansible_index_var']), ...(extended === true ? ['ansible_loop'] : [])];
}

function joined(name: Value, from: Deferred): Value {
  return new Deferred(`${name instanceof Deferred ? name.text : String(name)}:${from.text}`, 'text', from.position);
}

function candidatesOf(expander: Expander, source: IncludeSource, key: Value, frame: Frame, vars: Layer): Candidate[] {
  if (!(key instanceof Deferred)) return [{ name: String(key), path: undefined, certain: true }];
  const loop = source.loop === undefined ? undefined : { items: source.loop.value, name: source.control.loopVar };
  const { values, all } = expander.options.known(key, frame, vars, expander.registered, loop);
  const found = new Map<string, Candidate>();
  for (const value of values) if (typeof value === 'string' && value !== '') found.set(value, { name: value, path: undefined, certain: true });
  if (!all) {
    for (const [name, path] of namesThatFit(source, key, frame)) if (!found.has(name)) found.set(name, { name, path, certain: false });
  }
  return [...found.values()];
}

function namesThatFit(source: IncludeSource, key: Deferred, frame: Frame): Map<string, string> {
  if (source.action === 'include_role') {
    const [name = '', from] = key.text.split(/:(?=\{\{|[^}]*$)/);
    const roles = namesLike(source.from.tasks?.value instanceof Deferred ? name : key.text, rolePlaces(frame.playFolder, frame.role?.path), 'folder');
    const tasks = source.from.tasks?.value;
    if (!(tasks instanceof Deferred) || from === undefined) return new Map([...roles].filter(([, path]) => findPart(path, 'tasks', 'main') !== undefined));
    return new Map([...roles].flatMap(([role, path]) =>
      [...namesLike('{{ any }}', [`${path}/tasks`], 'file')].flatMap(([file, at]) => {
        const bare = file.replace(/\.(?:yml|yaml)$/, '');
        return [bare, file].filter((each) => fitsShape(each, tasks.text)).map((each): [string, string] => [`${role}:${each}`, at]);
      })));
  }
  const folders = source.action === 'include_tasks' ? taskFolders(frame, 'tasks') : searchFolders(frame, 'vars');
  return namesLike(key.text, folders, source.isFolder ? 'folder' : 'file');
}

/** Undefined for what merely fits and is something else: a playbook, a file of variables, the file that includes it. */
async function readBody(expander: Expander, source: IncludeSource, candidate: Candidate, handing: Handing, problems: Problems): Promise<IncludeBody | undefined> {
  const at = source.what ?? source;
  if (source.action === 'include_vars') return readValues(expander, source, candidate, handing, problems);
  const own = source.apply === undefined ? handing.keywords : inherit(handing.keywords, source.apply);
  if (source.action === 'include_role') {
    const [name = '', tasks] = candidate.name.split(':');
    const from = partsOf(expander, source.from.tasks?.value instanceof Deferred ? { ...source.from, tasks: undefined } : source.from, handing.frame, own.vars);
    const steps = await expandRole(expander, {
      name, at, params: {}, entryVars: {}, from: tasks === undefined ? from : { ...from, tasks }, once: false, shared: source.isPublic,
      handing: { ...handing, keywords: own, reached: 'task' },
    });
    return finish(name, steps, problems);
  }
  const folders = taskFolders(handing.frame, handing.handler ? 'handlers' : 'tasks');
  const path = candidate.path ?? findIn(folders, candidate.name);
  if (path === undefined) {
    problems.add(at.source.problem('FILE_MISSING', `the file of tasks "${candidate.name}" does not exist`, at.node, `looked for it in ${folders.join(', ')}`));
    return finish(candidate.name, [], problems);
  }
  if (!candidate.certain && (handing.chain.includes(path) || !(await expander.library.tasks(path, handing.handler)).isList)) return undefined;
  return finish(path, await expander.tasksOf(path, at, { ...handing, keywords: own, reached: 'task' }), problems);
}

function finish(path: string, steps: ExpandedStep[], problems: Problems): IncludeBody {
  return { path, steps, values: undefined, problems };
}

async function readValues(expander: Expander, source: IncludeSource, candidate: Candidate, handing: Handing, problems: Problems): Promise<IncludeBody | undefined> {
  const at = source.what ?? source;
  const folders = searchFolders(handing.frame, 'vars');
  const path = candidate.path ?? findIn(folders, candidate.name, source.isFolder ? (each) => namesLike(each, ['/'], 'folder').size > 0 : undefined);
  if (path === undefined) {
    problems.add(at.source.problem('FILE_MISSING', `the ${source.isFolder ? 'folder' : 'file'} of variables "${candidate.name}" does not exist`, at.node, `looked for it in ${folders.join(', ')}`));
    return { path: candidate.name, steps: [], values: {}, problems };
  }
  const vars = source.isFolder ? await expander.library.folderVars(path, source.extensions) : await expander.library.vars.load(path);
  const values: Layer = source.into === undefined ? vars : { [source.into]: { ...vars } };
  for (const name of Object.keys(values)) expander.registered.add(name);
  return { path, steps: [], values, problems };
}
