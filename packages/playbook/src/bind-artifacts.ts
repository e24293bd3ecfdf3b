import { mapTasks, tasksIn, type Artifact, type ArtifactCandidate, type ArtifactInput, type Plan, type PlannedTask } from '@hsmfleet/contract';
import { suggestion } from '@hsmfleet/yaml-source';

/** A package that a host built, as the control host keeps it. */
export interface KnownArtifact extends Pick<Artifact, 'name' | 'version' | 'architecture' | 'format' | 'sha256' | 'size' | 'inputsSha256' | 'file'> {
  /** Where its file lies; undefined when it is gone. */
  path: string | undefined;
}

/** What there is of a package, or why there is nothing. */
export type FoundArtifact = Required<Pick<ArtifactInput, 'candidates'>> & Pick<ArtifactInput, 'problem'>;

/**
 * Finds a package by its name: of each format and architecture the one told of last, since that is what the last build
 * delivered; a version that is asked for leaves only those.
 * @param version with the revision (2.12-1) or without (2.12); any when undefined
 * @param known the one told of last first
 */
export function findArtifact(name: string, version: string | undefined, known: readonly KnownArtifact[]): FoundArtifact {
  const named = known.filter((artifact) => artifact.name === name);
  if (named.length === 0) return nothing(`there is no artefact "${name}"`, namesThereAre(name, known));
  const wanted = version === undefined ? named : named.filter((artifact) => isVersion(artifact.version, version));
  if (wanted.length === 0) {
    return nothing(`there is no artefact "${name}" in version ${version ?? ''}`, `there is ${[...new Set(named.map((artifact) => artifact.version))].join(', ')}`);
  }
  const candidates: ArtifactCandidate[] = [];
  for (const artifact of wanted) {
    const { format, architecture, inputsSha256, sha256, size, file } = artifact;
    if (artifact.path === undefined || candidates.some((other) => other.format === format && other.architecture === architecture)) continue;
    candidates.push({ format, architecture, version: artifact.version, inputsSha256, blob: { sha256, size, name: file } });
  }
  if (candidates.length > 0) return { candidates };
  return nothing(`the file of the artefact "${name}" ${wanted[0]?.version ?? ''} is not here`, 'run the playbook that builds it again: what is built is only fetched');
}

/** The plan with every package that its tasks name filled in, as far as there is one. */
export async function bindArtifacts(plan: Plan, known: () => readonly KnownArtifact[] | Promise<readonly KnownArtifact[]>): Promise<Plan> {
  if (![...tasksIn(plan.tasks), ...tasksIn(plan.handlers)].some(namesArtifact)) return plan;
  const artifacts = await known();
  const bind = (task: PlannedTask): PlannedTask => (namesArtifact(task) ? bindTask(task, artifacts, plan.check) : task);
  return { ...plan, tasks: mapTasks(plan.tasks, bind), handlers: mapTasks(plan.handlers, bind) };
}

function bindTask(task: PlannedTask, known: readonly KnownArtifact[], check: boolean): PlannedTask {
  const inputs = Object.entries(task.inputs ?? {}).map(([param, input]) => {
    if (input.kind !== 'artifact') return [param, input] as const;
    const found = findArtifact(input.name, input.version, known);
    // a first run in check mode builds nothing that could be installed
    const problem = found.problem === undefined || !check ? found.problem : { ...found.problem, hint: `${found.problem.hint}; check mode builds nothing, so build it first` };
    return [param, { ...input, candidates: found.candidates, ...(problem === undefined ? {} : { problem }) }] as const;
  });
  return { ...task, inputs: Object.fromEntries(inputs) };
}

function namesArtifact(task: PlannedTask): boolean {
  return Object.values(task.inputs ?? {}).some(({ kind }) => kind === 'artifact');
}

/** 2.12-1, 1:2.12-1 and 2.12-1.fc41 are versions 2.12. */
function isVersion(version: string, wanted: string): boolean {
  const bare = version.replace(/^\d+:/, '');
  return version === wanted || bare === wanted || bare.replace(/-[^-]*$/, '') === wanted;
}

function nothing(message: string, hint: string): FoundArtifact {
  return { candidates: [], problem: { message, hint } };
}

function namesThereAre(name: string, known: readonly KnownArtifact[]): string {
  const names = [...new Set(known.map((artifact) => artifact.name))].sort();
  if (names.length === 0) return 'none was built yet: a task with source_package builds one';
  return [suggestion(name, names), `there is ${names.join(', ')}; hsmfleet artifacts tells more`].filter((part) => part !== undefined).join(' ');
}
