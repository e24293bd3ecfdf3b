import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';

/**
 * Where the history database lies when nobody says otherwise: `$XDG_STATE_HOME/hsmfleet/hsmfleet.db`, or
 * `~/.local/state/hsmfleet/hsmfleet.db`. A relative XDG_STATE_HOME is ignored, as the XDG base directory
 * specification asks.
 */
export function defaultStorePath(env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : join(env.HOME ?? homedir(), '.local', 'state');
  return join(base, 'hsmfleet', 'hsmfleet.db');
}

/** URLs that were in the environment, by the variable's name. */
const taken = new Map<string, string>();

/**
 * Takes the URLs of databases out of the environment, so that no program that is started later inherits their passwords.
 * Call it before anything else; what was there is remembered.
 */
export function takeDatabaseUrls(env: NodeJS.ProcessEnv = process.env): void {
  for (const name of ['HSMFLEET_DATABASE_URL', 'HSMFLEET_DATABASE_QUERY_URL']) {
    const url = env[name];
    if (url === undefined) continue;
    if (url === '') taken.delete(name);
    else taken.set(name, url);
    delete env[name];
  }
}

/**
 * What {@link openStore} opens when it is told nothing: the database of HSMFLEET_DATABASE_URL, or of the URL in the first line of
 * the file that HSMFLEET_DATABASE_URL_FILE names, or else {@link defaultStorePath}.
 * @throws HsmfleetError STORE when that file cannot be read
 */
export function defaultLocation(env: NodeJS.ProcessEnv = process.env): string {
  takeDatabaseUrls(env);
  return taken.get('HSMFLEET_DATABASE_URL') ?? fromFile(env.HSMFLEET_DATABASE_URL_FILE) ?? defaultStorePath(env);
}

/** Does a store's location name a PostgreSQL database? */
export function isPostgresUrl(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location);
}

/** The role for people's queries, from HSMFLEET_DATABASE_QUERY_URL. */
export function queryLocation(env: NodeJS.ProcessEnv = process.env): string | undefined {
  takeDatabaseUrls(env);
  return taken.get('HSMFLEET_DATABASE_QUERY_URL');
}

function fromFile(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').split('\n')[0]?.trim();
  } catch (thrown) {
    throw new HsmfleetError('STORE', `cannot read ${path}, which HSMFLEET_DATABASE_URL_FILE names: ${(thrown as Error).message}`, { cause: thrown });
  }
}
