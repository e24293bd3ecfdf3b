import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

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

/** What {@link openStore} opens when it is told nothing: the database of HSMFLEET_DATABASE_URL, or {@link defaultStorePath}. */
export function defaultLocation(env: NodeJS.ProcessEnv = process.env): string {
  const url = env.HSMFLEET_DATABASE_URL;
  return url === undefined || url === '' ? defaultStorePath(env) : url;
}
