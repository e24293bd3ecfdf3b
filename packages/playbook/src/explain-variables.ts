import { resolve } from 'node:path';
import { HsmfleetError, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { VariableLayer } from '@hsmfleet/hosts';
import { Problems } from '@hsmfleet/yaml-source';
import { expandPlay } from './expand-play.ts';
import type { RoleUse } from './expanded.ts';
import { knownValues } from './known-values.ts';
import { loadPlays } from './load-plays.ts';
import type { CompileOptions } from './model.ts';
import { PlayVariables } from './play-variables.ts';

/** What a play adds to the variables of a host. */
export interface ExplainedPlay {
  name: string;
  position: SourcePosition;
  /** Lowest precedence first. */
  layers: VariableLayer[];
}

const NOWHERE: ReadonlyMap<string, SourcePosition> = new Map();

/**
 * Where the variables come from that the plays of a playbook add to those of a host: one entry for each play that has the
 * host. Nobody is asked anything, and what is wrong elsewhere in the playbook is not told.
 * @throws HsmfleetError FILE_MISSING when there is no such playbook, PLAYBOOK_SYNTAX
 */
export async function explainVariables(given: CompileOptions & { host: string }): Promise<ExplainedPlay[]> {
  const problems = new Problems();
  const resources = given.resources ?? (await import('@hsmfleet/resources')).resources;
  const options = { ...given, playbook: resolve(given.playbook), ask: undefined, resources };
  const { library, plays, readable } = await loadPlays(options, problems);
  if (!readable) problems.throwIfAny();
  const lookups = { call: (): never => { throw new HsmfleetError('TEMPLATE_INVALID', 'lookups are not made here'); } };
  const variables = new PlayVariables(options, problems, lookups, library.vars);
  const extra = options.extraVars ?? {};
  const explained: ExplainedPlay[] = [];
  for (const play of plays) {
    const hosts = problems.attempt(() => options.hosts.select(play.hosts.value)) ?? [];
    const entry = options.hosts.find(given.host);
    if (entry === undefined || !hosts.includes(given.host)) continue;
    const varsOf = await variables.load(play, [entry]);
    const expanded = await expandPlay(play, {
      library, problems, tags: options.tags, skipTags: options.skipTags, extra, registered: [],
      known: (value, frame, vars, registered, loop) => knownValues(value, { frame, vars, registered, loop, entries: [entry], varsOf, play, knowledge: undefined, extra, lookups }),
    });
    explained.push({ name: play.name ?? play.hosts.value, position: play.position, layers: [...layersOfRoles(expanded.roles), ...layersOfPlay(play.varsPlaces, varsOf(entry), variables), ...extraLayer(extra)] });
  }
  return explained;
}

function layersOfRoles(roles: readonly RoleUse[]): VariableLayer[] {
  return roles.flatMap((role): VariableLayer[] => [
    ...layersOfRoles(role.dependencies),
    { level: 'role defaults', group: role.name, vars: role.defaults, places: role.places.defaults },
    { level: 'role vars', group: role.name, vars: role.entryVars, places: NOWHERE },
    { level: 'role vars', group: role.name, vars: role.vars, places: role.places.vars },
  ]).filter(({ vars }) => Object.keys(vars).length > 0);
}

function layersOfPlay(places: ReadonlyMap<string, SourcePosition>, layers: readonly Readonly<Record<string, Value>>[], variables: PlayVariables): VariableLayer[] {
  const [own = {}, prompts = {}, ...files] = layers;
  return [
    { level: 'play vars' as const, vars: own, places },
    { level: 'vars_prompt' as const, vars: prompts, places: NOWHERE },
    ...files.map((vars) => ({ level: 'vars_files' as const, vars, places: variables.placesOf(vars) ?? NOWHERE })),
  ].filter(({ vars }) => Object.keys(vars).length > 0);
}

function extraLayer(vars: Readonly<Record<string, Value>>): VariableLayer[] {
  return Object.keys(vars).length === 0 ? [] : [{ level: 'extra vars (-e)', vars, places: NOWHERE }];
}
