import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccounts } from './accounts.ts';
import { askCardService } from './card-service.ts';

const root = process.getuid?.() === 0;
const PCSCD = '/usr/sbin/pcscd';
const busy = existsSync('/run/pcscd/pcscd.comm');
const whyNot = !root ? 'needs root' : !existsSync(PCSCD) ? 'needs pcscd' : busy ? 'pcscd runs on this machine already' : undefined;
if (whyNot !== undefined) process.stderr.write(`a real pcscd is not asked: ${whyNot}\n`);

const accounts = createAccounts(() => Promise.resolve(undefined));
let folder: string;
let child: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-pcscd-'));
  chmodSync(folder, 0o755);
  child = join(folder, 'child.ts');
  writeFileSync(child, `
import { runCardServiceChild } from ${JSON.stringify(fileURLToPath(new URL('card-service.ts', import.meta.url)))};
const [socket, ...rest] = process.argv.slice(2);
await runCardServiceChild(rest, socket);
`);
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

const ask = (socket: string, user = process.env.USER ?? 'root') => askCardService([process.execPath, child, socket], user, accounts);

describe('what answers in place of pcscd', () => {
  const serve = (name: string, act: (server: Server) => void): Promise<string> => new Promise((resolve) => {
    const path = join(folder, name);
    const server = createServer();
    act(server);
    server.listen(path, () => { resolve(path); });
    server.unref();
  });

  test('hangs up: denied', async () => {
    expect(await ask(await serve('hangs-up', (server) => server.on('connection', (peer) => peer.destroy())))).toBe('denied');
  });

  test('gets one message of pcsc-lite, with no context and no reader in it', async () => {
    let heard = Buffer.alloc(0);
    const path = await serve('answers', (server) => server.on('connection', (peer) => peer.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      peer.write(Buffer.alloc(12));
    })));
    expect(await ask(path)).toBe('allowed');
    expect([heard.length, heard.readUInt32LE(0), heard.readUInt32LE(4)]).toEqual([20, 12, 0x11]);
  });

  test('is not there: unknown; nor is the user', async () => {
    expect(await ask(join(folder, 'nobody'))).toBe('unknown');
    expect(await ask(join(folder, 'nobody'), 'no-such-user')).toBe('unknown');
  });

  test.skipIf(!root)('may not be connected to by the user: denied', async () => {
    const path = await serve('closed', (server) => server.on('connection', (peer) => peer.destroy()));
    chmodSync(path, 0o600);
    expect(await ask(path, 'nobody')).toBe('denied');
  });
});

describe.skipIf(whyNot !== undefined)('a real pcscd', () => {
  let pcscd: ChildProcess;
  beforeAll(async () => {
    pcscd = spawn(PCSCD, ['--foreground'], { stdio: 'ignore' });
    for (let tries = 0; tries < 50 && !existsSync('/run/pcscd/pcscd.comm'); tries += 1) await sleep(100);
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => pcscd.on('exit', resolve));
    pcscd.kill();
    await ended;
  });

  test('answers the user of a web server', async () => {
    expect(await ask('/run/pcscd/pcscd.comm', 'www-data')).toBe('allowed');
  });
});
