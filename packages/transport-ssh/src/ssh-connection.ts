import { HsmfleetError } from '@hsmfleet/contract';
import { execBecome, type Channel, type Connection, type HostTarget } from '@hsmfleet/transport';
import type { Client, ClientChannel } from 'ssh2';

/** How long a host may take to answer our goodbye before the socket is cut. */
const GOODBYE_MS = 1000;

/**
 * A {@link Connection} over an ssh2 client that is ready.
 * @param user who is logged in: becoming oneself needs no sudo
 * @param closed resolves when the client's connection is gone
 */
export function wrapClient(client: Client, target: HostTarget, user: string, closed: Promise<void>): Connection {
  const host = target.name;
  const become = target.become?.user === user ? undefined : target.become;
  let gone = false;
  void closed.then(() => { gone = true; });

  const start = (command: string): Promise<Channel> =>
    new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        const why = gone ? 'is closed' : `opens no channel: ${cause instanceof Error ? cause.message : String(cause)}`;
        reject(new HsmfleetError('CONNECTION_LOST', `the connection to ${host} ${why}`, { host, cause }));
      };
      if (gone) {
        fail(undefined);
        return;
      }
      try {
        client.exec(command, (error, stream) => {
          if (error === undefined) resolve(wrapChannel(stream, closed));
          else fail(error);
        });
      } catch (error) {
        fail(error);
      }
    });

  return {
    closed,
    close() {
      if (gone) return;
      gone = true;
      client.end();
      const timer = setTimeout(() => { client.destroy(); }, GOODBYE_MS);
      timer.unref();
      void closed.then(() => { clearTimeout(timer); });
    },
    async exec(command, options) {
      if (options?.become !== true || become === undefined) return start(command);
      return execBecome(start, command, become, host);
    },
  };
}

function wrapChannel(stream: ClientChannel, closed: Promise<void>): Channel {
  const exit = new Promise<Awaited<Channel['exit']>>((resolve) => {
    stream.once('exit', (code: number | null, signal?: string) => { resolve(code === null ? { signal: signal ?? 'unknown' } : { code }); });
    // a channel that closes without a word on how the program ended was cut off
    stream.once('close', () => { resolve({ lost: true }); });
    void closed.then(() => { resolve({ lost: true }); });
  });
  // writing to a program that ended is told by its exit code, not by an exception here
  stream.on('error', () => undefined);
  return { stdin: stream.stdin, stdout: stream, stderr: stream.stderr, exit };
}

