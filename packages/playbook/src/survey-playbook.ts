import { resolve } from 'node:path';
import type { HsmfleetError } from '@hsmfleet/contract';
import type { HostEntry } from '@hsmfleet/hosts';
import { Problems } from '@hsmfleet/yaml-source';
import { namesIn } from './compile-steps.ts';
import { tasksOf, type ExpandedPlay } from './expanded.ts';
import { expandPlay } from './expand-play.ts';
import { knownValues } from './known-values.ts';
import { loadPlays } from './load-plays.ts';
import type { CompileOptions } from './model.ts';
import type { PlaySource } from './source.ts';

/** What {@link surveyPlaybook} needs. */
export type SurveyOptions = Pick<CompileOptions, 'playbook' | 'vault' | 'ask' | 'resources' | 'extraVars'>;

/** A playbook without any hosts. */
export interface Survey {
  plays: { play: PlaySource; expanded: ExpandedPlay }[];
  /** Every mistake that shows without hosts, in the order of files and lines. */
  problems: readonly HsmfleetError[];
}

/** Stands for every host: nothing is known of it. */
const ANY_HOST: HostEntry = { name: '', vars: {}, groups: [], position: { file: '', line: 1, column: 1 } } as unknown as HostEntry;

/**
 * Reads a playbook with its imports, roles and includes, without any hosts. Where only a host knows what is included,
 * everything that fits is read. Mistakes are handed back.
 * @throws HsmfleetError FILE_MISSING when there is no such playbook
 */
export async function surveyPlaybook(given: SurveyOptions): Promise<Survey> {
  const problems = new Problems();
  const resources = given.resources ?? (await import('@hsmfleet/resources')).resources;
  const options = { ...given, playbook: resolve(given.playbook), become: undefined, resources };
  const { library, plays } = await loadPlays(options, problems);
  const surveyed: Survey['plays'] = [];
  const registered = new Set<string>();
  const extra = given.extraVars ?? {};
  for (const play of plays) {
    const expanded = await expandPlay(play, {
      library, problems, tags: undefined, skipTags: undefined, extra, registered,
      known: (value, frame, vars, later, loop) => knownValues(value, {
        frame, vars, registered: later, loop, entries: [ANY_HOST], varsOf: () => [play.vars], play, knowledge: undefined, extra, lookups: undefined,
      }),
    });
    for (const name of namesIn([...expanded.steps, ...expanded.handlers])) registered.add(name);
    for (const step of tasksOf([...expanded.steps, ...expanded.handlers])) {
      if (step.kind === 'include') for (const body of step.bodies.values()) problems.add(...body.problems.errors);
    }
    surveyed.push({ play, expanded });
  }
  return { plays: surveyed, problems: problems.errors };
}
