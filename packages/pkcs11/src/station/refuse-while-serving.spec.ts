import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseWhileServing } from './refuse-while-serving.ts';

/*
 * Folders stand in for /proc: a real server with a library of a card would be seen by whatever else is tested on this
 * machine at the same time, and stop it.
 */
let proc: string;
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'hsmfleet-proc-'));
});
afterEach(() => {
  rmSync(proc, { recursive: true });
});

function running(pid: number, program: string, ...libraries: string[]): void {
  mkdirSync(join(proc, String(pid)));
  symlinkSync(program, join(proc, String(pid), 'exe'));
  writeFileSync(join(proc, String(pid), 'maps'), libraries.map((path) => `7f2c4a000000-7f2c4a026000 r-xp 00000000 fe:01 131 ${path}\n`).join(''));
}

const CARD = '/usr/lib/libsc-hsm-pkcs11.so';
const STATION = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
const SOFT = '/usr/lib/softhsm/libsofthsm2.so';
const ENGINE = '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so';

test('a web server that holds a card by another module is named, with what to do', async () => {
  running(4711, '/usr/sbin/apache2', '/usr/lib/libc.so.6', ENGINE, CARD);
  await expect(refuseWhileServing(STATION, 'hardware', proc)).rejects.toMatchObject({
    code: 'HOST_BUSY', message: `the web server apache2 (process 4711) uses ${CARD}: a login here would take its token away`, hint: expect.stringContaining('stop the web server') as unknown,
  });
});

test.each([
  ['another program may', () => { running(1, '/usr/bin/firefox', CARD); }, STATION, 'hardware'],
  ['a server without a token may', () => { running(1, '/usr/sbin/nginx', '/usr/lib/libc.so.6', ENGINE); }, STATION, 'hardware'],
  ['a token in software takes nothing away', () => { running(1, '/usr/sbin/apache2', SOFT); }, SOFT, 'hardware'],
  ['a server with a token in software has no card', () => { running(1, '/usr/sbin/apache2', SOFT, '/usr/lib/pkcs11/p11-kit-client.so'); }, STATION, 'hardware'],
] as const)('%s', async (_, given, module, tokens) => {
  given();
  await expect(refuseWhileServing(module, tokens, proc)).resolves.toBeUndefined();
});

test('a measurement is not to slow down a server with a token in software either', async () => {
  running(1, '/usr/sbin/apache2', SOFT);
  await expect(refuseWhileServing(SOFT, 'any', proc)).rejects.toMatchObject({ code: 'HOST_BUSY' });
});
