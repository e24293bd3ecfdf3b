import type * as ssh2 from 'ssh2';
import type { Client } from 'ssh2';

/** The whole of ssh2. */
export type Ssh2 = typeof ssh2;

let loaded: Promise<Ssh2> | undefined;

/**
 * Keeps ssh2 from having the server prove all of its host keys after every login (hostkeys-00@openssh.com): nothing
 * is done with the answer here, and the signatures cost both ends CPU time. Reaches into ssh2, which has no option
 * for it; where its inside differs, nothing happens and only the time is lost.
 */
export function ignoreHostKeyAnnouncements(client: Client): void {
  const { _protocol: protocol } = client as unknown as { _protocol?: { _handlers?: { GLOBAL_REQUEST?: GlobalRequestHandler } } };
  const handlers = protocol?._handlers;
  const handle = handlers?.GLOBAL_REQUEST;
  if (handlers === undefined || handle === undefined) return;
  handlers.GLOBAL_REQUEST = (from, name, wantReply, data) => {
    if (name !== 'hostkeys-00@openssh.com') handle(from, name, wantReply, data);
  };
}

type GlobalRequestHandler = (protocol: unknown, name: string, wantReply: boolean, data: unknown) => void;

/** ssh2, loaded with the first connection: requiring it costs 50 ms, which `--help` must not pay. */
export function loadSsh2(): Promise<Ssh2> {
  loaded ??= import('ssh2').then((module) => (module as unknown as { default: Ssh2 }).default);
  return loaded;
}
