import { Deferred, Secret, type Value } from '@hsmfleet/contract';
import { findPart, findRole, rolePlaces } from './find-files.ts';
import { layersOf, type ExpandedStep, type Frame, type Layer, type RoleUse } from './expanded.ts';
import type { Expander, Handing } from './expand-play.ts';
import type { PlacedVars } from './library.ts';
import { inherit, keywordsOf } from './read-keywords.ts';
import type { Condition, Keywords, Placed, RoleEntry, RoleFiles } from './source.ts';

/** How a role is used. */
export interface RoleRequest {
  name: string;
  /** Where it is named. */
  at: Pick<Placed<Value>, 'node' | 'source'>;
  params: Layer;
  entryVars: Layer;
  from: { [Part in keyof RoleFiles]?: string };
  /** Keywords handed down to its tasks. */
  handing: Handing;
  /** Runs once however often it is used in the same way; `import_role` and `include_role` run it each time. */
  once: boolean;
  /** `public`, `roles` and `import_role`: the play sees its variables. */
  shared: boolean;
}

/** Resolves a role: what it depends on first, then its tasks. Its handlers go to those of the play. */
export async function expandRole(expander: Expander, request: RoleRequest): Promise<ExpandedStep[]> {
  const { handing, at } = request;
  const { frame } = handing;
  const { playFolder } = frame;
  const places = rolePlaces(playFolder, frame.role?.path);
  const path = findRole(request.name, places, playFolder);
  if (path === undefined) {
    expander.problems.add(at.source.problem('FILE_MISSING', `the role "${request.name}" does not exist`, at.node, `looked for it in ${places.join(', ')}`));
    return [];
  }
  const key = `${path}:${request.from.tasks ?? 'main'}`;
  if (handing.chain.includes(key)) {
    const names = [...handing.chain.slice(handing.chain.indexOf(key)), key].map((each) => each.replace(/:main$/, '').replace(/^.*\//, ''));
    expander.problems.add(at.source.problem('PLAYBOOK_INVALID', `the role "${request.name}" leads back to itself`, at.node, names.join(' needs ')));
    return [];
  }
  const again = request.once ? await expander.runsAgain(path, request) : [];
  if (again === undefined) return [];
  const meta = await expander.library.meta(path);
  const name = request.name.replace(/\/+$/, '').replace(/^.*\//, '');
  const parents = frame.role === undefined ? [] : [...frame.role.parents, frame.role];
  const [defaults, vars] = [await readVars(expander, path, 'defaults', request), await readVars(expander, path, 'vars', request)];
  const use: RoleUse = {
    name, path, params: request.params, entryVars: request.entryVars, parents,
    includedBy: handing.reached === 'task' ? parents : [],
    defaults: defaults.vars, vars: vars.vars, places: { defaults: defaults.places, vars: vars.places },
    dependencies: [],
  };
  if (request.shared) expander.roles.push(use);
  const inner = roleFrame(expander, use, handing);
  const down: Handing = { ...handing, keywords: again.length === 0 ? handing.keywords : { ...handing.keywords, when: [...handing.keywords.when, ...again] }, frame: inner, chain: [...handing.chain, key], reached: 'role' };
  const steps: ExpandedStep[] = [];
  for (const entry of meta.dependencies) {
    const found = await expandEntry(expander, entry, { ...down, frame: { ...inner, folder: path } });
    if (found.use !== undefined) use.dependencies.push(found.use);
    steps.push(...found.steps);
  }
  // only now is it known what it depends on
  const full = use.dependencies.length === 0 ? inner : Object.assign(inner, roleFrame(expander, use, handing), { scope: inner.scope });
  const own: Handing = { ...down, frame: full };
  await expander.addHandlers(path, request, own);
  const file = findPart(path, 'tasks', request.from.tasks ?? 'main');
  if (file === undefined) {
    if (request.from.tasks !== undefined) expander.problems.add(at.source.problem('FILE_MISSING', `the role "${name}" has no tasks/${request.from.tasks}`, at.node, `looked for it in ${path}/tasks`));
    return steps;
  }
  const read = await expander.library.tasks(file, false);
  expander.problems.add(...read.problems.errors);
  expander.files.add(file);
  steps.push(...await expander.steps(read.steps, { ...own, frame: { ...full, folder: `${path}/tasks` }, chain: [...own.chain, file] }));
  return steps;
}

/** One entry of `roles` or `dependencies`. */
export async function expandEntry(expander: Expander, entry: RoleEntry, handing: Handing): Promise<{ steps: ExpandedStep[]; use: RoleUse | undefined }> {
  const name = expander.rendered({ value: entry.role, node: entry.node, source: entry.source }, handing.frame, entry.vars);
  const from = partsOf(expander, entry.from, handing.frame, entry.vars);
  if (name === undefined) return { steps: [], use: undefined };
  const before = expander.uses.length;
  const { role } = handing.frame;
  const around = role === undefined ? [] : [...role.parents, role];
  const keywords: Keywords = inherit(handing.keywords, { ...keywordsOf(entry), vars: {} });
  const steps = await expandRole(expander, {
    name, at: entry, params: entry.params, entryVars: entry.vars, from, once: true, shared: handing.frame.role === undefined,
    handing: { ...handing, keywords },
  });
  return { steps, use: expander.uses[before] ?? expander.uses.findLast((each) => each.name === name.replace(/^.*\//, '') && !around.includes(each)) };
}

/** Names of a role's files, which have to be known before the run. */
export function partsOf(expander: Expander, from: RoleFiles, frame: Frame, vars: Layer): RoleRequest['from'] {
  const parts: RoleRequest['from'] = {};
  for (const part of ['tasks', 'vars', 'defaults', 'handlers'] as const) {
    const placed = from[part];
    const name = placed === undefined ? undefined : expander.rendered(placed, frame, vars);
    if (name !== undefined) parts[part] = name;
  }
  return parts;
}

async function readVars(expander: Expander, path: string, part: 'defaults' | 'vars', request: RoleRequest): Promise<PlacedVars> {
  const name = request.from[part];
  const vars = await expander.library.roleVars(path, part, name ?? 'main');
  if (vars === undefined && name !== undefined) {
    expander.problems.add(request.at.source.problem('FILE_MISSING', `the role "${request.name}" has no ${part}/${name}`, request.at.node, `looked for it in ${path}/${part}`));
  }
  return vars ?? { vars: {}, places: new Map() };
}

/** What the tasks of a role see. */
function roleFrame(expander: Expander, use: RoleUse, { frame }: Handing): Frame {
  const { parents } = use;
  if (!expander.uses.includes(use)) expander.uses.push(use);
  const params = Object.assign({}, ...parents.map((each) => each.params), use.params) as Layer;
  const included = use.includedBy.toReversed();
  return {
    scope: `${use.name}.${String(expander.uses.indexOf(use))}`,
    role: use,
    defaults: [...use.dependencies.flatMap((each) => layersOf(each, 'defaults')), ...parents.map((each) => each.defaults), use.defaults],
    roleVars: [...parents.map((each) => each.vars), ...use.dependencies.flatMap((each) => layersOf(each, 'vars')), use.entryVars, use.vars],
    top: { ...params, ...frame.includeVars },
    includeVars: frame.includeVars,
    magic: {
      role_name: use.name,
      role_path: use.path,
      ansible_role_name: use.name,
      ...(included.length === 0 ? {} : { ansible_parent_role_names: included.map(({ name }) => name), ansible_parent_role_paths: included.map(({ path }) => path) }),
    },
    bound: frame.bound,
    folder: use.path,
    playFolder: frame.playFolder,
  };
}

/** Everything that makes two uses of a role different; secrets count by what they are. */
export function identityOf(path: string, { params, entryVars, from, handing }: RoleRequest, own: Pick<Keywords, 'tags'>): string {
  return JSON.stringify([path, comparable(params as Value), comparable(entryVars as Value), from, own.tags, handing.frame.role === undefined ? handing.keywords.when.map(conditionText) : []]);
}

export function conditionText(condition: Condition): string {
  return condition instanceof Deferred ? condition.text : String(condition);
}

function comparable(value: Value): unknown {
  if (value instanceof Secret) return { secret: secretNumber(value) };
  if (value instanceof Deferred) return { template: value.text };
  if (Array.isArray(value)) return value.map(comparable);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, comparable(each)]);
}

const numbers = new WeakMap<Secret, number>();
let count = 0;

function secretNumber(secret: Secret): number {
  let number = numbers.get(secret);
  if (number === undefined) numbers.set(secret, (number = count += 1));
  return number;
}
