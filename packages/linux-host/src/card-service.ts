import { connect } from 'node:net';
import type { Accounts } from './accounts.ts';
import { runCommand } from './command.ts';

const SOCKET = '/run/pcscd/pcscd.comm';
const TIMEOUT_MS = 3_000;

/** How pcscd answered a user's hello. */
export type CardServiceAnswer = 'allowed' | 'denied' | 'unknown';

/**
 * Lets a user say hello to pcscd, in a process of its own that becomes that user first: pcscd asks the kernel who speaks.
 * @param childArgv program and arguments that end in {@link runCardServiceChild}
 */
export async function askCardService(childArgv: readonly string[], user: string, accounts: Accounts): Promise<CardServiceAnswer> {
  const account = childArgv.length === 0 ? undefined : await accounts.user(user);
  if (account === undefined) return 'unknown';
  const answer = await runCommand([...childArgv, account.name, String(account.id), String(account.gid)], { timeoutMs: TIMEOUT_MS + 2_000 }, accounts);
  const word = answer.stdout.trim();
  return word === 'allowed' || word === 'denied' ? word : 'unknown';
}

/**
 * The child: becomes the user whose name, number and primary group it is given, and prints how pcscd answers. Sends the
 * first message of pcsc-lite's protocol (CMD_VERSION), to which pcscd answers before anything is asked of a reader; a
 * user that polkit does not allow is hung up on instead.
 */
export async function runCardServiceChild([name = '', uid = '', gid = '']: readonly string[], socket = SOCKET): Promise<void> {
  if (Number(uid) !== process.getuid?.()) {
    // missing in the type declarations of Node
    (process as unknown as { initgroups(user: string, group: number): void }).initgroups(name, Number(gid));
    process.setgid?.(Number(gid));
    process.setuid?.(Number(uid));
  }
  process.stdout.write(`${await sayHello(socket)}\n`);
}

function sayHello(path: string): Promise<CardServiceAnswer> {
  return new Promise((resolve) => {
    const peer = connect(path);
    const finish = (answer: CardServiceAnswer): void => {
      clearTimeout(deadline);
      peer.destroy();
      resolve(answer);
    };
    const deadline = setTimeout(() => { finish('unknown'); }, TIMEOUT_MS);
    // header (size, CMD_VERSION), then major and minor of the protocol and room for the result
    const hello = Buffer.alloc(20);
    [12, 0x11, 4, 4, 0].forEach((word, at) => hello.writeUInt32LE(word, at * 4));
    peer.on('connect', () => peer.write(hello));
    peer.on('data', () => { finish('allowed'); });
    peer.on('error', (thrown: NodeJS.ErrnoException) => { finish(thrown.code === 'ENOENT' || thrown.code === 'ECONNREFUSED' ? 'unknown' : 'denied'); });
    peer.on('close', () => { finish('denied'); });
  });
}
