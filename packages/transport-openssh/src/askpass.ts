import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Secret } from '@hsmfleet/contract';
import { quoteShellWord } from '@hsmfleet/transport';
import { ASKED_BY } from './command-line.ts';

/** A question of ssh: for a password, a passphrase, a code. */
export interface Question {
  /** Who asks, as its environment says. */
  by: string;
  text: string;
}

/** Answers what ssh asks while it logs in. */
export interface Askpass {
  /** What ssh has to find in its environment. Nothing of it is secret. */
  env: Record<string, string>;
  close(): void;
}

const SOCKET = 'HSMFLEET_ASKPASS_SOCKET';

/**
 * The program that ssh starts for a question: passes it on through a socket, and prints the answer. It comes with the
 * folder, which is private, so that it is found wherever the program was bundled.
 */
const HELPER = `import { connect } from 'node:net';
const socket = connect(process.env.${SOCKET});
let answer = '';
socket.setEncoding('utf8');
socket.on('data', (text) => { answer += text; });
socket.on('error', () => process.exit(1));
socket.on('end', () => {
  if (answer === '') process.exit(1);
  process.stdout.write(JSON.parse(answer) + '\\n');
});
socket.write(JSON.stringify([process.env.${ASKED_BY}, process.argv[2], process.env.SSH_ASKPASS_PROMPT ?? '']) + '\\n');
`;

/**
 * Answers questions through a socket in a private folder: no answer is ever part of a command line, an environment or
 * a file.
 * @param answer undefined: there is none, and the login goes on without
 */
export async function startAskpass(folder: string, answer: (question: Question) => Promise<Secret | undefined>): Promise<Askpass> {
  const socket = join(folder, 'ask');
  const helper = join(folder, 'askpass.mjs');
  const program = join(folder, 'askpass');
  await writeFile(helper, HELPER, { mode: 0o600 });
  await writeFile(program, `#!/bin/sh\nexec ${quoteShellWord(process.execPath)} ${quoteShellWord(helper)} "$1"\n`, { mode: 0o700 });
  const server = createServer({ allowHalfOpen: true }, (client) => { void reply(client, answer); });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  server.unref();
  return {
    env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', [SOCKET]: socket },
    close() { server.close(); },
  };
}

async function reply(client: Socket, answer: (question: Question) => Promise<Secret | undefined>): Promise<void> {
  client.on('error', () => undefined);
  try {
    const [by = '', text = '', kind = ''] = JSON.parse(await readLine(client)) as (string | null)[];
    // "none": ssh only tells something, such as that a key waits for a touch. "confirm": a yes that nobody here gives
    const given = kind === '' ? await answer({ by: by ?? '', text: (text ?? '').replaceAll(/[\x00-\x1f\x7f]+/g, ' ').trim() }) : undefined;
    client.end(given === undefined ? '' : JSON.stringify(given.reveal()));
  } catch {
    // no question, or nobody who could answer it: ssh goes on without, and says why it failed
    client.destroy();
  }
}

async function readLine(client: Socket): Promise<string> {
  let text = '';
  client.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    client.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    client.once('end', () => { reject(new Error('no question')); });
  });
}
