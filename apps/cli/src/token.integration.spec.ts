import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';

/* Transcripts of the built program on real tokens: what a person types, sees, and gets as exit code. */
const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`token tests are skipped: ${reason}\n`);
const PIN = '648219';

let program: string;
beforeAll(() => {
  program = mkdtempSync(join(tmpdir(), 'hsmfleet-built-'));
  execFileSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url)), program]);
}, 60_000);
afterAll(() => { rmSync(program, { recursive: true }); });

interface Ran {
  stdout: string;
  stderr: string;
  code: number | null;
}

describe.skipIf(reason !== undefined)('token commands', () => {
  let soft: SoftToken;
  let folder: string;
  beforeEach(() => {
    soft = makeSoftToken('web01', PIN);
    folder = soft.folder;
    for (const [name, text] of [['pin', PIN], ['wrong', '999999'], ['so-pin', '11111111'], ['new-pin', 'new-648'], ['so-and-pin', '87654321\n24681357'], ['nss', `web01:${PIN}`], ['two', `${PIN}\nother`], ['empty', '']] as const) {
      writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 });
    }
    writeFileSync(join(folder, 'open-pin'), PIN);
    chmodSync(join(folder, 'open-pin'), 0o644);
  });
  afterEach(() => { soft.remove(); });

  function run(argv: string[], options: { fd3?: string; module?: string; during?: () => void } = {}): Promise<Ran> {
    const fd3 = options.fd3 === undefined ? undefined : openSync(join(folder, options.fd3), 'r');
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [join(program, 'main.mjs'), ...argv], {
        cwd: folder, stdio: ['ignore', 'pipe', 'pipe', fd3 ?? 'ignore'],
        env: { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), HSMFLEET_MODULE: options.module ?? soft.target.path, ...soft.target.env },
      });
      const out = { stdout: '', stderr: '' };
      const watch = setInterval(() => options.during?.(), 20);
      child.stdout?.on('data', (chunk: Buffer) => { out.stdout += chunk.toString(); });
      child.stderr?.on('data', (chunk: Buffer) => { out.stderr += chunk.toString(); });
      child.on('close', (code) => {
        clearInterval(watch);
        if (fd3 !== undefined) closeSync(fd3);
        resolve({ ...out, code });
      });
    });
  }

  /** Runs commands, a line each, and writes down what happened; what differs from token to token is made equal. */
  async function transcript(...lines: string[]): Promise<string> {
    const parts: string[] = [];
    for (const line of lines) {
      const [command = '', fd3] = line.split(' 3<');
      const { stdout, stderr, code } = await run(command.split(' '), fd3 === undefined ? {} : { fd3 });
      parts.push(`$ hsmfleet ${line}\n${stdout}${stderr === '' ? '' : `--- stderr\n${stderr}`}--- exit ${String(code)}\n`);
    }
    return parts.join('\n').replaceAll(folder, 'FOLDER').replaceAll(/number \d(?=, ID)/g, 'number N').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'FINGERPRINT').replaceAll(/\b[0-9a-f]{16}\b/g, '0123456789abcdef')
      .replaceAll(/\b\d{5,10}(?= {2}(web|lab)|$|\n| {2,}web|[),])/g, 'SLOT').replaceAll(/in \d+\.\d s/g, 'in N s').replaceAll(/(?<=slot ID.*\n.*? )\d{8,10}/g, 'SLOT')
      .replaceAll(/([A-Za-z0-9+/=]{64}\n)+[A-Za-z0-9+/=]*\n?/g, 'BASE64\n').replaceAll(/ +\n/g, '\n')
      // mechanisms differ between versions of SoftHSM
      .replaceAll(/^(?!RSA_PKCS |ECDSA |PIN )[A-Z0-9_]+ {2,}\S.*\n/gm, '');
  }

  it('prepare a token and look at it', async () => {
    await expect(await transcript(
      'token init --label lab01 --so-pin-fd 3 --new-pin-fd 3 3<so-and-pin', 'token show --token web01', 'token objects --token web01',
      'token keygen --token web01 --type EC:prime256v1 --id 03 --label www --pin-file pin', 'token keygen --token web01 --type rsa:1024 --id 04 --label old --pin-file pin',
      'token objects --token web01', 'token objects --token web01 --pin-file pin --id 03', 'token objects --token web01 --class certificate',
      'token read-object --token web01 --class public --id 03', 'token read-object --token web01 --class public --id 03 --out www.pub', 'token read-object --token web01 --class public --id 03 --out www.pub',
      'token export --token web01 --out keys', 'token delete --token web01 --id 04 --pin-file pin', 'token delete --token web01 --id 04 --pin-file pin --yes', 'token delete --token web01 --id 04 --pin-file pin --yes',
      'token pin change --token web01 --pin-file pin --new-pin-file new-pin', 'token pin unblock --token web01 --so-pin-file so-pin --new-pin-file pin',
    )).toMatchFileSnapshot('testdata/token.txt');
    expect(readdirSync(join(folder, 'keys')).sort()).toEqual(['03.pub', '04.pub']);
    expect(execFileSync('openssl', ['pkey', '-pubin', '-in', join(folder, 'keys/03.pub'), '-noout', '-text'], { encoding: 'utf8' })).toContain('prime256v1');
  }, 240_000);

  it('refuse what is wrong, in one message', async () => {
    soft.addKey('p256', '01', 'web');
    await expect(await transcript(
      'token keygen --token web01 --type rsa:2048 --id 03', 'token keygen --token web01 --type dsa --id 03 --label x', 'token keygen --token web01 --type rsa:2048 --id 3 --label x',
      'token keygen --token web01 --type rsa:2048 --id 01 --label x --pin-file pin', 'token keygen --token web01 --type rsa:2048 --id 03 --label web --pin-file pin',
      'token objects --token web01 --pin-file open-pin', 'token objects --token web01 --pin-file nowhere', 'token objects --token web01 --pin-file nss', 'token objects --token web01 --pin-file two',
      'token objects --token web01 --pin-file empty', 'token objects --token web01 --pin-file pin --pin-fd 3 3<pin', 'token objects --token web01 --pin-fd 77', 'token objects --token web01 --pin-fd x', 'token objects --token web01 --login',
      'token objects --token nowhere', 'token objects --slot x', 'token list --module lib.so', 'token list --module /nowhere.so', 'token list --module /etc/passwd', 'token list --module-env X',
      'token init --label web02 --token web01 --yes', 'token init --label web02 --token web01 --force --so-pin-file so-pin --new-pin-file new-pin',
      'token read-object --token web01 --class private --id 01', 'token read-object --token web01 --id 01', 'token read-object --token web01 --id 09', 'token delete --token web01 --pin-file pin', 'token delete --token web01 --id 09 --pin-file pin',
      'token objects --token web01 --pin-file wrong', 'token objects --token web01 --pin-file wrong --allow-low-pin-count', 'token objects --token web01 --pin-file pin',
    )).toMatchFileSnapshot('testdata/token-errors.txt');
  }, 240_000);

  it('answer JSON', async () => {
    soft.addKey('p256', '01', 'web');
    const json = async (line: string): Promise<unknown> => JSON.parse((await run(line.split(' '))).stdout) as unknown;
    expect(await json('token list --json')).toMatchObject({ manufacturer: 'SoftHSM', slots: [{ slotIndex: 0, token: { label: 'web01', pinState: 'ok' } }, { token: { initialized: false } }] });
    expect(await json('token objects --json --pin-file pin')).toMatchObject({ token: { label: 'web01' }, loggedIn: true, objects: [{ class: 'private', id: '01' }, { class: 'public', spki: expect.any(String) as string }, { class: 'certificate', subject: 'CN=web' }] });
    expect(await json('token keygen --json --pin-file pin --type rsa:2048 --id 02 --label x')).toMatchObject({ id: '02', type: 'rsa:2048', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string, warnings: [] });
    expect(await json('token export --json')).toMatchObject([{ name: '01.crt', pem: expect.stringContaining('BEGIN CERTIFICATE') as string }, { name: '01.pub' }, { name: '02.pub' }]);
    expect(await json('token delete --json --yes --pin-file pin --id 02')).toMatchObject({ deleted: [{ class: 'private', id: '02' }, { class: 'public', id: '02' }] });
  }, 60_000);

  it('log in exactly once for each command, and log out', async () => {
    const spy = soft.spied();
    for (const [name, value] of Object.entries(spy.target.env ?? {})) soft.target.env = { ...soft.target.env, [name]: value };
    expect(await run('token keygen --type rsa:2048 --id 03 --label www --pin-file pin'.split(' '), { module: spy.target.path })).toMatchObject({ code: 0 });
    expect(spy.calls().filter((call) => /C_(Login|Logout)/.test(call))).toEqual(['C_Login', 'C_Logout']);
  }, 30_000);

  it('never show a PIN to other processes', async () => {
    const slow = soft.distorted('slow', `
      static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE u, CK_UTF8CHAR_PTR p, CK_ULONG n) { usleep(700000); return real->C_Login(s, u, p, n); }
      static CK_RV set(CK_SESSION_HANDLE s, CK_UTF8CHAR_PTR p, CK_ULONG n, CK_UTF8CHAR_PTR q, CK_ULONG m) { usleep(700000); return real->C_SetPIN(s, p, n, q, m); }`, { C_Login: 'login', C_SetPIN: 'set' });
    const seen = new Set<string>();
    let children = 0;
    const watch = (): void => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        for (const file of ['cmdline', 'environ']) {
          let text: string;
          try {
            text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
          } catch {
            continue;
          }
          if (file === 'cmdline' && text.includes('station-process') && text.includes(slow.path)) children += 1;
          if (text.includes(PIN) || text.includes('new-648')) seen.add(`${pid} ${file}`);
        }
      }
    };
    expect(await run('token pin change --pin-file pin --new-pin-file new-pin'.split(' '), { module: slow.path, during: watch })).toMatchObject({ code: 0, stdout: 'changed the PIN of web01\n' });
    expect(children).toBeGreaterThan(5);
    expect([...seen]).toEqual([]);
  }, 30_000);

  it('ask on a terminal, without echo', async () => {
    const shown = await onTerminal('token pin change', [['PIN of web01: ', `${PIN}\r`], ['new PIN of web01: ', 'typed-42\r'], ['again: ', 'typed-42\r']]);
    expect(shown).toContain('changed the PIN of web01');
    expect(shown).not.toContain('typed-42');
    expect(shown).not.toContain(PIN);
    const differs = await onTerminal('token pin unblock', [['SO PIN of web01: ', '11111111\r'], ['new PIN of web01: ', 'typed-43\r'], ['again: ', 'typed-44\r']]);
    expect(differs).toContain('the two answers for the new PIN differ: nothing was done');
    writeFileSync(join(folder, 'typed'), 'typed-42\n', { mode: 0o600 });
    const made = await onTerminal('token keygen --type rsa:2048 --id 03 --label www --pin-file typed', []);
    expect(made).toMatch(/making rsa:2048 on web01: 0 s.*made key pair 03/s);
    const refused = await onTerminal('token delete --id 03 --pin-file typed', [['to go on: ', 'no\r']]);
    expect(refused).toContain('nothing was done');
    await expect(onTerminal('token delete --id 03 --pin-file typed', [['to go on: ', 'yes\r']])).resolves.toContain('deleted 2 objects from web01');
  }, 60_000);

  function onTerminal(command: string, dialogue: [string, string][]): Promise<string> {
    return new Promise((resolve) => {
      const line = [process.execPath, join(program, 'main.mjs'), ...command.split(' ')].map((word) => `'${word}'`).join(' ');
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        cwd: folder, stdio: ['pipe', 'pipe', 'ignore'],
        env: { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), HSMFLEET_MODULE: soft.target.path, NO_COLOR: '1', ...soft.target.env },
      });
      let shown = '';
      const left = [...dialogue];
      child.stdout?.on('data', (chunk: Buffer) => {
        // lines that are edited come with movements of the cursor
        shown += stripVTControlCharacters(chunk.toString());
        const [next] = left;
        if (next === undefined || !shown.endsWith(next[0])) return;
        left.shift();
        child.stdin?.write(next[1]);
      });
      child.on('close', () => { resolve(shown.replaceAll('\r', '')); });
    });
  }
});
