import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { userInfo } from 'node:os';
import { HsmfleetError } from '@hsmfleet/contract';
import { execBecome, type Channel, type Connection, type HostTarget, type Transport } from '@hsmfleet/transport';

/**
 * Runs programs on the control host itself (`ansible_connection: local`), through /bin/sh as sshd would through the
 * login shell. Closing a connection closes the programs' streams and lets them go, as a cut SSH connection does.
 */
export function createLocalTransport(): Transport {
  return { connect: (target) => Promise.resolve(openConnection(target)) };
}

function openConnection(target: HostTarget): Connection {
  const become = target.become?.user === userInfo().username ? undefined : target.become;
  let open = true;
  let announceClosed: () => void;
  const closed = new Promise<void>((resolve) => { announceClosed = resolve; });

  const start = (command: string): Promise<Channel> => {
    if (!open) return Promise.reject(new HsmfleetError('CONNECTION_LOST', `the connection to ${target.name} is closed`, { host: target.name }));
    return startShell(command, target.name, closed);
  };
  return {
    closed,
    close() {
      open = false;
      announceClosed();
    },
    async exec(command, options) {
      if (options?.become !== true || become === undefined) return start(command);
      return execBecome(start, command, become, target.name);
    },
  };
}

function startShell(command: string, host: string, closed: Promise<void>): Promise<Channel> {
  // a session of its own: a Ctrl-C in the operator's terminal must not reach the agent
  const child = spawn('/bin/sh', ['-c', command], { stdio: 'pipe', detached: true });
  const exit = new Promise<Awaited<Channel['exit']>>((resolve) => {
    child.once('exit', (code, signal) => { resolve(signal === null ? { code: code ?? 0 } : { signal }); });
    void closed.then(() => {
      resolve({ lost: true });
      letGo(child);
    });
  });
  // a program that ends before it read its input is told by its exit code, not by an exception here
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.once('spawn', () => { resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit }); });
    child.once('error', (cause) => {
      reject(new HsmfleetError('UNREACHABLE', `/bin/sh cannot be started on ${host}: ${cause.message}`, { host, cause }));
    });
  });
}

function letGo(child: ChildProcessWithoutNullStreams): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  child.unref();
}
