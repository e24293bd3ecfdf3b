import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

/* What a person types around Ansible Vault, and that neither passwords nor what they protect show anywhere. */
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const PASSWORD = `password-${randomBytes(6).toString('hex')}`;
const NEXT = `next-${randomBytes(6).toString('hex')}`;
const PIN = `pin-${randomBytes(6).toString('hex')}`;
let folder = '';
/** The program as one bundle: some thirty starts would spend most of their time on reading sources. */
let bundled = '';
const at = (...names: string[]): string => join(folder, ...names);
const write = (name: string, content: string, mode = 0o600): void => { writeFileSync(at(name), content, { mode }); };

interface Run { stdout: string; stderr: string; code: number | null }

function run(argv: string[], { input = '', env = {}, fd3 }: { input?: string; env?: NodeJS.ProcessEnv; fd3?: string } = {}, command = [process.execPath, bundled]): Promise<Run> {
  return new Promise((resolve) => {
    const [program = '', ...before] = command;
    const child = spawn(program, [...before, ...argv], {
      cwd: folder, stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: at('home'), XDG_STATE_HOME: at('state'), ...env },
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => { out.stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { out.stderr += chunk.toString(); });
    child.stdin.on('error', () => undefined).end(input);
    (child.stdio[3] as NodeJS.WritableStream).on('error', () => undefined).end(fd3 ?? '');
    child.on('close', (code) => { resolve({ ...out, code }); });
  });
}

const withFile = ['--vault-password-file', 'password'];
const leftInMemory = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith('hsmfleet-vault-'));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-cli-vault-'));
  bundled = at('program', 'main.mjs');
  await build({
    entryPoints: { main }, outdir: at('program'), outExtension: { '.js': '.mjs' }, bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24',
    loader: { '.node': 'copy' }, external: ['ssh2', 'cpu-features', 'chokidar', 'fsevents'], logLevel: 'warning',
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  mkdirSync(at('home'));
  write('password', `${PASSWORD}\n`);
  write('next', `${NEXT}\n`);
}, 60_000);
afterAll(() => { rmSync(folder, { recursive: true }); });
beforeEach(() => { write('vars.yml', `token_pin: ${PIN}\n`); });

describe('files', { timeout: 60_000 }, () => {
  it('are encrypted, viewed, rekeyed and decrypted', async () => {
    expect(await run(['vault', 'encrypt', 'vars.yml', '--vault-id', 'prod@password'])).toEqual({ code: 0, stdout: '', stderr: 'encrypted vars.yml\n' });
    expect(readFileSync(at('vars.yml'), 'utf8').split('\n')[0]).toBe('$ANSIBLE_VAULT;1.2;AES256;prod');
    expect(await run(['vault', 'view', 'vars.yml', '--vault-password-fd', '3'], { fd3: `${PASSWORD}\n` })).toMatchObject({ code: 0, stdout: `token_pin: ${PIN}\n` });
    expect(await run(['vault', 'rekey', 'vars.yml', ...withFile, '--new-vault-password-file', 'next'])).toMatchObject({ code: 0, stderr: 'rekeyed vars.yml\n' });
    expect(await run(['vault', 'decrypt', 'vars.yml'], { env: { ANSIBLE_VAULT_PASSWORD_FILE: 'next' } })).toMatchObject({ code: 0 });
    expect([readFileSync(at('vars.yml'), 'utf8'), statSync(at('vars.yml')).mode & 0o777]).toEqual([`token_pin: ${PIN}\n`, 0o600]);
  });

  it('go through pipes', async () => {
    const sealed = await run(['vault', 'encrypt', ...withFile], { input: PIN });
    expect(await run(['vault', 'decrypt', '-', ...withFile], { input: sealed.stdout })).toEqual({ code: 0, stdout: PIN, stderr: '' });
    await run(['vault', 'decrypt', '-o', 'plain', ...withFile], { input: sealed.stdout });
    expect([readFileSync(at('plain'), 'utf8'), statSync(at('plain')).mode & 0o777]).toEqual([PIN, 0o600]);
  });

  it('are edited without a trace', async () => {
    await run(['vault', 'encrypt', 'vars.yml', ...withFile]);
    write('editor', '#!/bin/sh\ncat /proc/$PPID/cmdline /proc/$PPID/environ /proc/$$/environ /proc/$$/cmdline > seen\nsed -i s/pin-/edited-/ "$1"\ncp "$1" "$1~"\n', 0o700);
    expect(await run(['vault', 'edit', 'vars.yml', ...withFile], { env: { EDITOR: './editor' } })).toEqual({ code: 0, stdout: '', stderr: 'changed vars.yml\n' });
    expect((await run(['vault', 'view', 'vars.yml', ...withFile])).stdout).toBe(`token_pin: ${PIN.replace('pin-', 'edited-')}\n`);
    expect(readFileSync(at('seen'), 'utf8')).toContain('/dev/shm/hsmfleet-vault-');
    expect(readFileSync(at('seen'), 'utf8')).not.toMatch(new RegExp(`${PASSWORD}|${PIN}`));
    expect(leftInMemory()).toEqual([]);
  });

  it('survive an editor that fails or is killed, and one that changes nothing', async () => {
    await run(['vault', 'encrypt', 'vars.yml', ...withFile]);
    const before = readFileSync(at('vars.yml'));
    const edit = (editor: string): Promise<Run> => {
      write('editor', `#!/bin/sh\n${editor}\n`, 0o700);
      return run(['vault', 'edit', 'vars.yml', ...withFile], { env: { EDITOR: './editor' } });
    };
    expect(await edit('echo half > "$1"; exit 3')).toMatchObject({ code: 1, stderr: expect.stringContaining('ended with exit code 3: nothing was changed') as string });
    expect(await edit('kill -TERM $PPID; sleep 5')).toMatchObject({ code: 143 });
    expect(await edit('true')).toMatchObject({ code: 0, stderr: 'left as it was: vars.yml\n' });
    expect(readFileSync(at('vars.yml')).equals(before)).toBe(true);
    expect(leftInMemory()).toEqual([]);
  });

  it('are created in an editor, never over another', async () => {
    write('editor', `#!/bin/sh\nprintf 'token_pin: ${PIN}\\n' > "$1"\n`, 0o700);
    expect(await run(['vault', 'create', 'new.yml', ...withFile], { env: { VISUAL: './editor' } })).toMatchObject({ code: 0 });
    expect([(await run(['vault', 'view', 'new.yml', ...withFile])).stdout, statSync(at('new.yml')).mode & 0o777]).toEqual([`token_pin: ${PIN}\n`, 0o600]);
    expect(await run(['vault', 'create', 'new.yml', ...withFile])).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') as string });
  });
});

describe('values', { timeout: 60_000 }, () => {
  it('come from standard input, without the line break at the end', async () => {
    const { stdout, stderr } = await run(['vault', 'encrypt-string', '--name', 'token_pin', ...withFile], { input: `${PIN}\n` });
    expect(stdout).toMatch(/^token_pin: !vault \|\n {10}\$ANSIBLE_VAULT;1\.1;AES256\n(?: {10}[0-9a-f]+\n)+$/);
    expect(stderr).toBe('');
    const value = stdout.split('\n').slice(1).join('\n');
    expect((await run(['vault', 'decrypt', ...withFile], { input: value.trim() })).stdout).toBe(PIN);
  });

  it('are never taken from the command line, nor repeated', async () => {
    const { code, stderr } = await run(['vault', 'encrypt-string', PIN, ...withFile]);
    expect([code, stderr.includes(PIN)]).toEqual([1, false]);
  });
});

const hasAge = spawnSync('age', ['--version']).status === 0;
if (!hasAge) process.stdout.write('skipped: age at the command line: age (Debian: age) is missing\n');

describe.skipIf(!hasAge)('age', { timeout: 60_000 }, () => {
  let [one, two] = ['', ''];

  beforeAll(() => {
    [one, two] = ['one', 'two'].map((name) => {
      execFileSync('age-keygen', ['-o', at(name)], { stdio: 'ignore' });
      return execFileSync('age-keygen', ['-y', at(name)], { encoding: 'utf8' }).trim();
    }) as [string, string];
    write('team', `# team\n${one}\n${two}\n`);
  });

  it('encrypts files for recipients; age opens them, and each of the recipients views and decrypts', async () => {
    expect(await run(['vault', 'encrypt', 'vars.yml', '--age-recipients-file', 'team'])).toEqual({ code: 0, stdout: '', stderr: 'encrypted vars.yml\n' });
    expect(execFileSync('age', ['-d', '-i', 'one', 'vars.yml'], { cwd: folder, encoding: 'utf8' })).toBe(`token_pin: ${PIN}\n`);
    expect(await run(['vault', 'view', 'vars.yml'], { env: { HSMFLEET_AGE_IDENTITY: at('two') } })).toMatchObject({ code: 0, stdout: `token_pin: ${PIN}\n` });
    expect(await run(['vault', 'decrypt', 'vars.yml', '--age-identity', 'two'])).toMatchObject({ code: 0 });
    expect(readFileSync(at('vars.yml'), 'utf8')).toBe(`token_pin: ${PIN}\n`);
    const sealed = execFileSync('age', ['-r', one], { cwd: folder, input: PIN });
    writeFileSync(at('binary'), sealed);
    expect((await run(['vault', 'view', 'binary', '--age-identity', 'one'])).stdout).toBe(PIN);
  });

  it('is edited for its one recipient, and where there are several only for those that are named', async () => {
    write('editor', '#!/bin/sh\nsed -i s/pin-/edited-/ "$1"\n', 0o700);
    const edit = (...argv: string[]): Promise<Run> => run(['vault', 'edit', 'vars.yml', '--age-identity', 'one', ...argv], { env: { EDITOR: './editor' } });
    await run(['vault', 'encrypt', 'vars.yml', '--age-recipient', one]);
    expect(await edit()).toEqual({ code: 0, stdout: '', stderr: 'changed vars.yml\n' });
    expect(execFileSync('age', ['-d', '-i', 'one', 'vars.yml'], { cwd: folder, encoding: 'utf8' })).toBe(`token_pin: ${PIN.replace('pin-', 'edited-')}\n`);
    write('vars.yml', `token_pin: ${PIN}\n`);
    await run(['vault', 'encrypt', 'vars.yml', '--age-recipient', one, '--age-recipient', two]);
    expect(await edit()).toMatchObject({ code: 1, stderr: expect.stringContaining('does not say who they are') as string });
    expect(await edit('--age-recipients-file', 'team')).toMatchObject({ code: 0 });
    expect(execFileSync('age', ['-d', '-i', 'two', 'vars.yml'], { cwd: folder, encoding: 'utf8' })).toContain('edited-');
    expect(leftInMemory()).toEqual([]);
  });

  it('takes over values from a vault and gives them back, comments and all', async () => {
    const { stdout } = await run(['vault', 'encrypt-string', '-n', 'token_pin', '--vault-id', 'prod@password'], { input: PIN });
    write('vars.yml', `# the PIN\n${stdout}plain: 1  # stays\n`);
    expect(await run(['vault', 'rekey', 'vars.yml', ...withFile, '--age-recipients-file', 'team'])).toEqual({ code: 0, stdout: '', stderr: 'rekeyed vars.yml (1 value)\n' });
    expect(readFileSync(at('vars.yml'), 'utf8')).toMatch(/^# the PIN\ntoken_pin: !age \|\n {10}-----BEGIN AGE ENCRYPTED FILE-----\n[^#]+plain: 1 {2}# stays\n$/);
    write('own.yml', (await run(['vault', 'encrypt-string', '-n', 'other', '--age-recipient', two], { input: PIN })).stdout);
    expect(readFileSync(at('own.yml'), 'utf8')).toMatch(/^other: !age \|\n {10}-----BEGIN/);
    expect(await run(['vault', 'rekey', 'vars.yml', 'own.yml', '--age-identity', 'two', '--new-vault-password-file', 'next'])).toMatchObject({ code: 0 });
    expect(readFileSync(at('vars.yml'), 'utf8')).toContain('token_pin: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n');
  });

  it('has clear messages, none of which repeats an identity', async () => {
    const key = /AGE-SECRET-KEY-\w+/.exec(readFileSync(at('one'), 'utf8'))?.[0] ?? '';
    await run(['vault', 'encrypt', 'vars.yml', '--age-recipient', one]);
    const told = async (argv: string[], env = {}): Promise<string> => {
      const { code, stdout, stderr } = await run(['vault', ...argv], { env });
      expect([code, stdout, stderr.toUpperCase().includes(key)]).toEqual([1, '', false]);
      return stderr;
    };
    expect(await told(['view', 'vars.yml'])).toContain('no identity is given');
    expect(await told(['view', 'vars.yml', '--age-identity', 'two'])).toContain('encrypted for others than the identity given');
    expect(await told(['view', 'vars.yml', '--age-identity', key])).toContain('given an identity, not a file');
    expect(await told(['view', 'vars.yml'], { HSMFLEET_AGE_IDENTITY: key })).toContain('holds an identity');
    expect(await told(['encrypt', 'password', '--age-recipient', key])).toContain('an identity stands where a recipient is wanted');
    expect(await told(['encrypt', 'password', '--age-recipient', one, ...withFile])).toContain('are both given');
    expect(await told(['encrypt', 'vars.yml', '--age-recipient', one])).toContain('vars.yml is encrypted already');
  });
});

describe('mistakes', { timeout: 60_000 }, () => {
  it('have one clear message each', async () => {
    await run(['vault', 'encrypt', 'vars.yml', '--vault-id', 'prod@password']);
    const told = async (...argv: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(['vault', ...argv]);
      expect([code, stdout]).toEqual([1, '']);
      return stderr.replaceAll(folder, 'FOLDER');
    };
    expect(await told('view', 'vars.yml', '--vault-password-file', 'next')).toMatch(/^error: the vault password does not fit \(vault id "prod", tried "default"\)\n {2}--> vars\.yml:1:1\n/);
    expect(await told('view', 'vars.yml')).toContain('no vault password is given');
    expect(await told('view', 'vars.yml', '--ask-vault-pass')).toContain('nobody can be asked for the vault password');
    expect(await told('view', 'vars.yml', '--vault-password-file', 'none')).toContain('the vault password file FOLDER/none does not exist');
    expect(await told('view', 'vars.yml', '--vault-password-fd', 'x')).toContain('--vault-password-fd wants the number');
    expect(await told('view', 'password', ...withFile)).toContain('is not encrypted as a whole');
    expect(await told('encrypt', 'vars.yml', ...withFile)).toContain('vars.yml is encrypted already');
    expect(await told('encrypt', 'a', 'b', '-o', 'c', ...withFile)).toContain('several files cannot go into one');
    expect(await told('encrypt', 'password', ...withFile, '--vault-id', 'b@next')).toContain('several vault passwords are given');
    expect(await told('rekey', 'vars.yml', ...withFile)).toContain('nobody can be asked for the vault password');
  });
});

/** The agent of a local host lies in /var/lib: root gets one of its own, in memory, that is searched before it goes away. */
const isolated = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const agent = fileURLToPath(new URL('../../agent/dist/main.cjs', import.meta.url));
const why = !existsSync(agent) ? 'the agent is not built' : !isolated ? 'this needs root, for a mount namespace' : undefined;
if (why !== undefined) process.stdout.write(`skipped: runs with encrypted PINs: ${why}\n`);

describe.skipIf(why !== undefined)('a run with an encrypted PIN', { timeout: 60_000 }, () => {
  const SANDBOX = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/dpkg; "$@"; code=$?; grep -rlaF "$NEEDLE" /var/lib "$HOME" "$XDG_STATE_HOME"; exit $code', 'sh', process.execPath, main];
  const apply = (...argv: string[]): Promise<Run> => run(['apply', 'site.yml', '-i', 'hosts.yml', ...argv], { env: { NEEDLE: PIN } }, SANDBOX);
  let inline = '';

  beforeAll(() => {
    inline = execFileSync(process.execPath, [bundled, 'vault', 'encrypt-string', '-n', 'token_pin', ...withFile], { cwd: folder, input: PIN, encoding: 'utf8' });
    write('site.yml', [
      '- hosts: all', '  vars:', ...inline.trimEnd().split('\n').map((line) => `    ${line}`), '  vars_files: [whole.yml]', '  tasks:',
      `    - copy: {content: "{{ token_pin }} {{ whole_pin }}\\n", dest: ${at('on-host')}, mode: "0600"}`, '      register: written',
      '    - debug: {msg: "{{ token_pin }} {{ whole_pin }} {{ written }} {{ ansible_hostname }}"}',
      '    - set_fact: {copy_of: "{{ token_pin }}-{{ late }}"}', '    - debug: {var: copy_of}',
      '    - command: {argv: [sh, -c, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ > processes 2>/dev/null; cat"], stdin: "{{ whole_pin }}", chdir: ' + folder + '}', '      register: shown',
      '    - debug: {var: shown}', `    - assert: {that: ["token_pin == '${PIN.slice(0, 4)}' ~ '${PIN.slice(4)}'", "count > 2"]}`,
      '    - file: {path: "/nowhere/{{ whole_pin }}", state: touch}', '      ignore_errors: true', '',
    ].join('\n'));
    write('hosts.yml', 'all:\n  hosts:\n    here: {ansible_connection: local}\n');
    write('whole.yml', `whole_pin: ${PIN}\nlate: "${PIN}@{{ ansible_hostname }}"\ncount: 3\n`);
    execFileSync(process.execPath, [bundled, 'vault', 'encrypt', 'whole.yml', ...withFile], { cwd: folder, stdio: 'ignore' });
  }, 60_000);

  it.each([['--check', '--diff', '--json', '-vv'], ['--check', '--diff', '-vv'], ['--diff', '--json', '-vv'], ['--diff', '-vvv']])('shows it nowhere: %s %s %s', async (...flags) => {
    rmSync(at('on-host'), { force: true });
    const { stdout, stderr, code } = await apply(...flags, ...withFile);
    expect([code, stderr, stdout]).toEqual([0, expect.not.stringContaining('error'), expect.any(String)]);
    expect(stdout.length).toBeGreaterThan(300);
    for (const text of [stdout, stderr]) for (const secret of [PIN, PASSWORD]) expect(text).not.toContain(secret);
    if (flags.includes('--check')) expect(existsSync(at('on-host'))).toBe(false);
    else {
      expect(readFileSync(at('on-host'), 'utf8')).toBe(`${PIN} ${PIN}\n`);
      const processes = readFileSync(at('processes'), 'latin1').replaceAll(`NEEDLE=${PIN}`, '').replace(/grep\0-rlaF\0[^\0]*/g, '');
      expect(processes).toContain('main.ts\0apply');
      for (const secret of [PIN, PASSWORD]) expect(processes).not.toContain(secret);
    }
  });

  it('names the place of what cannot be decrypted, once, before any host is touched', async () => {
    const { stdout, stderr, code } = await apply('--vault-password-file', 'next');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: the vault password does not fit \(vault id "default", tried "default"\); the same goes for 1 more place\n {2}--> \S+site\.yml:3:23\n/);
    expect((stderr.match(/^error:/gm) ?? []).length).toBe(1);
  });

  it('needs no password where no encrypted value is used, and says which one it is where one is', async () => {
    const indented = inline.trimEnd().split('\n').map((line) => `    ${line}\n`).join('');
    write('locked.yml', `all:\n  hosts:\n    here: {ansible_connection: local}\n  vars:\n${indented}`);
    write('unused.yml', '- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo done\n');
    write('used.yml', '- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo done\n    - command: {argv: [cat], stdin: "{{ token_pin }}"}\n');
    const told = (...argv: string[]): Promise<Run> => run([...argv, '-i', 'locked.yml'], { env: { NEEDLE: PIN } }, SANDBOX);
    expect(await told('hosts', '--vars')).toMatchObject({ code: 0, stdout: expect.stringContaining('"token_pin":"[secret]"') as string });
    expect(await told('apply', 'unused.yml')).toMatchObject({ code: 0, stdout: expect.stringMatching(/here +: ok=1/) as string });
    const problem = { code: 1, stdout: '', stderr: expect.stringMatching(/^error: it is encrypted with Ansible Vault, and no vault password is given\n {2}--> \S+locked\.yml:5:23\n/) as string };
    expect(await told('apply', 'used.yml')).toMatchObject(problem);
    write('locked.yml', `all:\n  hosts:\n    here: {ansible_connection: local}\n  vars:\n${indented.replace('token_pin:', 'ansible_become_password:')}`);
    expect(await told('apply', 'unused.yml', '--become')).toMatchObject({ ...problem, stderr: expect.stringMatching(/no vault password is given\n {2}--> \S+locked\.yml:5:\d+\n/) as string });
  });
});
