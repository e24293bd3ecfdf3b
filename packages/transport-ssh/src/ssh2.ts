import type * as ssh2 from 'ssh2';

/** The whole of ssh2. */
export type Ssh2 = typeof ssh2;

let loaded: Promise<Ssh2> | undefined;

/** ssh2, loaded with the first connection: requiring it costs 50 ms, which `--help` must not pay. */
export function loadSsh2(): Promise<Ssh2> {
  loaded ??= import('ssh2').then((module) => (module as unknown as { default: Ssh2 }).default);
  return loaded;
}
