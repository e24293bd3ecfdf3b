import { connect } from 'node:net';

const REQUEST = Buffer.from([0, 0, 0, 1, 11]);
const ANSWER = 12;
const TIMEOUT_MS = 5000;

/**
 * Public keys of an ssh-agent, of every type: ssh2's own client passes over those it cannot use, and then nobody knows
 * that OpenSSH could.
 * @returns none when nothing answers
 */
export async function listAgentKeys(socketPath: string): Promise<Buffer[]> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let bytes = Buffer.alloc(0);
    const end = (): void => {
      socket.destroy();
      resolve(parseAnswer(bytes));
    };
    socket.setTimeout(TIMEOUT_MS, end);
    socket.once('error', end).once('end', end);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4 && bytes.length >= bytes.readUInt32BE(0) + 4) end();
    });
    socket.write(REQUEST);
  });
}

/** Length, kind, count, then a key and a comment each. */
function parseAnswer(bytes: Buffer): Buffer[] {
  if (bytes.length < 9 || bytes[4] !== ANSWER) return [];
  const keys: Buffer[] = [];
  let at = 9;
  for (let left = bytes.readUInt32BE(5); left > 0 && at + 4 <= bytes.length; left -= 1) {
    const length = bytes.readUInt32BE(at);
    keys.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (at + 4 > bytes.length) break;
    at += 4 + bytes.readUInt32BE(at);
  }
  return keys;
}
