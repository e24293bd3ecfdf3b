import type { Problems } from '@hsmfleet/yaml-source';
import { Library } from './library.ts';
import type { CompileOptions } from './model.ts';
import { readPlays } from './read-play.ts';
import type { PlaySource } from './source.ts';

/** A playbook as it is written, and the files that it is made of. */
export interface LoadedPlays {
  library: Library;
  plays: PlaySource[];
  /** False when the playbook is no YAML, or encrypted as a whole: there are no plays then. */
  readable: boolean;
}

/** Reads a playbook and those that it imports; mistakes go to the problems. @throws HsmfleetError FILE_MISSING when there is no such playbook */
export async function loadPlays(options: Pick<CompileOptions, 'playbook' | 'text' | 'ask' | 'vault' | 'become' | 'extraVars'> & { resources: NonNullable<CompileOptions['resources']> }, problems: Problems): Promise<LoadedPlays> {
  const { resources, become, extraVars = {} } = options;
  const library = new Library({ ask: options.ask, vault: options.vault }, problems, resources, options.text === undefined ? undefined : new Map([[options.playbook, options.text]]));
  const source = await library.source(options.playbook);
  const readable = source.problems.length === 0 && !source.encrypted;
  const plays = readable ? await readPlays(source, problems, { resources, become, extraVars, load: (path) => library.source(path) }) : [];
  return { library, plays, readable };
}
