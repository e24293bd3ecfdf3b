import { createHash, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Channel, Connection, HostTarget, Transport } from './port.ts';

/** What a transport's spec gives to {@link describeTransport}. */
export interface TransportUnderTest {
  transport: Transport;
  /** A host that lets us in. The login shell must understand POSIX. */
  target: HostTarget;
  /** The same host with a `become` that works, and the user name that `id -un` then prints. */
  become?: { target: HostTarget; user: string };
}

/** Everything a program printed, and how it ended. */
export interface Outcome {
  stdout: string;
  stderr: string;
  code: number | undefined;
  signal: string | undefined;
  lost: boolean;
}

/** Reads a channel to its end. */
export async function readOutcome(channel: Channel): Promise<Outcome> {
  const [stdout, stderr, exit] = await Promise.all([text(channel.stdout), text(channel.stderr), channel.exit]);
  return { stdout, stderr, code: exit.code, signal: exit.signal, lost: exit.lost ?? false };
}

/** Runs a command with the given input and reads all it prints. */
export async function runCommand(connection: Connection, command: string, options: { input?: Buffer | string; become?: boolean } = {}): Promise<Outcome> {
  const channel = await connection.exec(command, options.become === undefined ? {} : { become: options.become });
  channel.stdin.end(options.input ?? '');
  return readOutcome(channel);
}

/**
 * The contract of a transport as tests. Call it once in a transport's spec.
 * @param prepare runs in the first test that needs it, once
 */
export function describeTransport(name: string, prepare: () => Promise<TransportUnderTest>): void {
  let prepared: Promise<TransportUnderTest> | undefined;
  const under = (): Promise<TransportUnderTest> => (prepared ??= prepare());
  const connected = async (work: (connection: Connection) => Promise<void>): Promise<void> => {
    const { transport, target } = await under();
    const connection = await transport.connect(target);
    try {
      await work(connection);
    } finally {
      connection.close();
      await connection.closed;
    }
  };

  describe(`${name} keeps the contract of a transport`, () => {
    it('gives stdout, stderr and the exit code apart', async () => {
      await connected(async (connection) => {
        expect(await runCommand(connection, 'echo out; echo err >&2; exit 7')).toEqual({ stdout: 'out\n', stderr: 'err\n', code: 7, signal: undefined, lost: false });
      });
    });

    it('hands stdin on and its end too', async () => {
      await connected(async (connection) => {
        expect(await runCommand(connection, 'cat', { input: 'to the host' })).toMatchObject({ stdout: 'to the host', code: 0 });
      });
    });

    it('carries 3 MB both ways without a changed byte', async () => {
      const bytes = randomBytes(3 * 1024 * 1024);
      await connected(async (connection) => {
        const channel = await connection.exec('cat');
        const hash = createHash('sha256');
        channel.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
        channel.stderr.resume();
        channel.stdin.end(bytes);
        await new Promise((resolve) => channel.stdout.once('end', resolve));
        expect(await channel.exit).toEqual({ code: 0 });
        expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
      });
    });

    it('holds a writer back while the program does not read', async () => {
      await connected(async (connection) => {
        const channel = await connection.exec('sleep 0.3; cat | wc -c');
        const outcome = readOutcome(channel);
        let sent = 0;
        let waited = 0;
        for (const chunk of Array.from({ length: 128 }, () => Buffer.alloc(64 * 1024))) {
          sent += chunk.length;
          if (!channel.stdin.write(chunk)) {
            waited += 1;
            await new Promise((resolve) => channel.stdin.once('drain', resolve));
          }
        }
        channel.stdin.end();
        expect((await outcome).stdout.trim()).toBe(String(sent));
        expect(waited).toBeGreaterThan(0);
      });
    });

    it('runs several programs over one connection at once', async () => {
      await connected(async (connection) => {
        const outcomes = await Promise.all(['1', '2', '3', '4'].map((n) => runCommand(connection, `sleep 0.1; echo ${n}; exit ${n}`)));
        expect(outcomes.map(({ stdout, code }) => [stdout, code])).toEqual([['1\n', 1], ['2\n', 2], ['3\n', 3], ['4\n', 4]]);
      });
    });

    it('tells the signal that ended a program', async () => {
      await connected(async (connection) => {
        const outcome = await runCommand(connection, 'kill -TERM $$');
        expect(outcome.signal).toBe('SIGTERM');
        expect(outcome.code).toBeUndefined();
      });
    });

    it('says that a program was lost when the connection is closed under it', async () => {
      const { transport, target } = await under();
      const connection = await transport.connect(target);
      const channel = await connection.exec('echo started; cat');
      channel.stderr.resume();
      await new Promise((resolve) => channel.stdout.once('data', resolve));
      connection.close();
      connection.close();
      expect(await channel.exit).toEqual({ lost: true });
      await connection.closed;
      await expect(connection.exec('true')).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    });

    it('becomes another user, and the input reaches the program whole', async (context) => {
      const { transport, become } = await under();
      if (become === undefined) return context.skip('this transport was given no user to become');
      const connection = await transport.connect(become.target);
      try {
        const outcome = await runCommand(connection, 'id -un; cat; echo problem >&2; exit 3', { input: 'input\n', become: true });
        expect(outcome).toEqual({ stdout: `${become.user}\ninput\n`, stderr: 'problem\n', code: 3, signal: undefined, lost: false });
      } finally {
        connection.close();
      }
    });
  });
}
