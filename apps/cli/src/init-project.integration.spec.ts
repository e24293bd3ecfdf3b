import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const PIN = '649"2 \'8';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-init-'));
  writeFileSync(join(folder, 'pin'), `${PIN}\n`, { mode: 0o600 });
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

const hsmfleet = (...args: string[]) => run(process.execPath, [MAIN, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
const answered = ['--webservers', 'web[01:03].example.net, db.example.net', '--user', 'ops', '--token', 'Card 7', '--key-id', '0a'];

/** Everything below a folder, with its contents. */
function contents(of: string): Record<string, string> {
  return Object.fromEntries(readdirSync(of, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => {
    const path = join(each.parentPath, each.name);
    return [path.slice(of.length + 1), readFileSync(path, 'utf8')];
  }));
}

/** Answers questions on a real terminal (that of `script`), each when it is asked. */
function converse(args: readonly string[], answers: readonly [question: string, typed: string][]): Promise<string> {
  return new Promise((resolve) => {
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'], cwd: folder });
    let shown = '';
    let from = 0;
    const left = [...answers];
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      const [next] = left;
      if (next === undefined || !shown.slice(from).includes(next[0])) return;
      from = shown.length;
      left.shift();
      child.stdin.write(`${next[1]}\r`);
    });
    child.on('close', () => { resolve(shown.replaceAll('\r', '')); });
  });
}

describe('a project that is made from options', () => {
  it('is read by hsmfleet and by Ansible, and its PIN is decrypted to what was given', async () => {
    await hsmfleet('init', 'fleet', ...answered, '--pin-file', 'pin');
    const { stdout } = await hsmfleet('hosts', '-i', 'fleet/hosts.yml', '--vault-password-file', 'fleet/.vault-password');
    expect(stdout.trim().split('\n').slice(1).map((line) => line.split(/\s/)[0])).toEqual(['web01.example.net', 'web02.example.net', 'web03.example.net', 'db.example.net']);
    const listed = JSON.parse(execFileSync('ansible-inventory', ['-i', 'fleet/hosts.yml', '--host', 'web02.example.net', '--vault-password-file', 'fleet/.vault-password'], { cwd: folder, encoding: 'utf8' })) as Record<string, unknown>;
    expect(listed).toMatchObject({ ansible_user: 'ops', hsm_token: 'Card 7', hsm_key_id: '0a' });
    const shown = execFileSync('ansible', ['all', '-i', 'localhost,', '-c', 'local', '-m', 'debug', '-a', 'var=token_pin', '-e', '@fleet/group_vars/webservers/secrets.yml', '--vault-password-file', 'fleet/.vault-password'], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(shown.slice(shown.indexOf('{')))).toEqual({ token_pin: PIN });
  });

  it('has a playbook that compiles for these hosts', async () => {
    const { stdout } = await hsmfleet('apply', 'fleet/site.yml', '-i', 'fleet/hosts.yml', '--vault-password-file', 'fleet/.vault-password', '--syntax-check');
    expect(stdout).toMatch(/fleet\/site\.yml/);
  });

  it('shows the PIN nowhere, and keeps the vault password to its owner and out of repositories', () => {
    for (const [name, text] of Object.entries(contents(join(folder, 'fleet')))) expect([name, text.includes(PIN)]).toEqual([name, false]);
    expect(statSync(join(folder, 'fleet/.vault-password')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'fleet/.gitignore'), 'utf8').split('\n')).toContain('.vault-password');
  });

  it('takes a vault password that is there already, and makes none', async () => {
    writeFileSync(join(folder, 'team-password'), 'of the team\n', { mode: 0o600 });
    await hsmfleet('init', 'team', ...answered, '--pin-file', 'pin', '--vault-password-file', 'team-password');
    expect(existsSync(join(folder, 'team/.vault-password'))).toBe(false);
    expect(readFileSync(join(folder, 'team/README.md'), 'utf8')).toContain(`--vault-password-file ${join(folder, 'team-password')}`);
  });
});

describe('a project that is made in conversation', () => {
  it('asks five questions, again where an answer will not do, and shows no PIN', async () => {
    const shown = await converse(['init', 'talk'], [
      ['Webservers', ''], ['Webservers', 'web1, w#b2'], ['Webservers', 'web1,web2'], ['Log in there as', ''],
      ['Label of the tokens', ''], ['ID of the key', '1'], ['ID of the key', '03'], ['PIN of the tokens', '648219'], ['again', '648219'],
    ]);
    expect(shown).toMatch(/"w#b2" is no name of a host/);
    expect(shown).toMatch(/an even number of hex digits/);
    expect(shown).not.toContain('648219');
    expect(contents(join(folder, 'talk'))['hosts.yml']).toMatch(/web1:\n\s+web2:/);
    expect(contents(join(folder, 'talk'))['group_vars/webservers/main.yml']).toMatch(/ansible_user: root[^]*hsm_token: "SmartCard-HSM"/);
  });

  it('writes nothing when the PINs differ, or when it is interrupted', async () => {
    expect(await converse(['init', 'slip', ...answered], [['PIN of the tokens', '1'], ['again', '2']])).toMatch(/the two answers for the PIN differ/);
    expect(await converse(['init', 'slip'], [['Webservers', '\u0003']])).toMatch(/the questions were ended/);
    expect(existsSync(join(folder, 'slip'))).toBe(false);
  });
});

describe('what it refuses', () => {
  it('is to overwrite anything', async () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine/site.yml'), 'mine\n');
    await expect(hsmfleet('init', 'mine', ...answered, '--pin-file', 'pin')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/has site\.yml already: nothing was changed/) as unknown });
    expect(contents(join(folder, 'mine'))).toEqual({ 'site.yml': 'mine\n' });
  });

  it('is to leave half a project behind', async () => {
    mkdirSync(join(folder, 'half'));
    writeFileSync(join(folder, 'half/group_vars'), 'a file where a folder has to be');
    await expect(hsmfleet('init', 'half', ...answered, '--pin-file', 'pin')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/nothing was left behind/) as unknown });
    expect(readdirSync(join(folder, 'half'))).toEqual(['group_vars']);
  });

  it('is to guess where nobody can be asked', async () => {
    await expect(hsmfleet('init', 'mute')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot ask "Webservers[^]*answer with --webservers/) as unknown });
    await expect(hsmfleet('init', 'mute', ...answered)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/--pin-file or --pin-fd/) as unknown });
    await expect(hsmfleet('init', 'mute', ...answered, '--key-id', 'xy', '--pin-file', 'pin')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/--key-id: an ID is an even number/) as unknown });
    expect(existsSync(join(folder, 'mute'))).toBe(false);
  });
});
