import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCommands } from './describe-commands.ts';

/* Transcripts of the built program: what a person types, sees, and gets as exit code. No host is involved. */
const app = fileURLToPath(new URL('..', import.meta.url));
const program = join(app, 'bin/hsmfleet');
let folder: string;

beforeAll(() => {
  execFileSync(process.execPath, [join(app, 'build.mjs')]);
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-cli-'));
  writeFileSync(join(folder, 'hosts.yml'), [
    'webservers:', '  hosts:', '    web[1:3]:', '      ansible_host: 192.0.2.1', '      motto: "{{ 6 * 7 }}"',
    'old:', '  hosts:', '    web3:', '',
  ].join('\n'));
  writeFileSync(join(folder, 'more.yml'), 'others:\n  hosts:\n    web9: {ansible_host: "{{ inventory_hostname }}.{{ domain }}", domain: test}\n    web10: {ansible_host: "{{ nowhere }}"}\n');
  writeFileSync(join(folder, 'site.yml'), '- hosts: webservers\n  tasks:\n    - debug: {msg: hello}\n');
  writeFileSync(join(folder, 'wrong.yml'), '- hosts: webservers\n  tasks:\n    - debgu: {msg: hello}\n    - debug: {msg: "{{ missing }}"}\n');
}, 60_000);
afterAll(() => { rmSync(folder, { recursive: true }); });

function run(argv: string[], env: NodeJS.ProcessEnv = {}, command = program): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve) => {
    const child = spawn(command, argv, {
      cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), ...env },
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => { out.stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { out.stderr += chunk.toString(); });
    child.on('close', (code) => { resolve({ ...out, code }); });
  });
}

/** Runs commands and writes down what happened, with changing parts made equal. */
async function transcript(...commands: string[][]): Promise<string> {
  const parts: string[] = [];
  for (const argv of commands) {
    const { stdout, stderr, code } = await run(argv);
    const typed = ['hsmfleet', ...argv.map((word) => (/[\s;]/.test(word) ? JSON.stringify(word) : word))].join(' ');
    parts.push(`$ ${typed}\n${stdout}${stderr === '' ? '' : `--- stderr\n${stderr}`}--- exit ${String(code)}\n`);
  }
  return parts.join('\n').replaceAll(folder, 'FOLDER').replaceAll(/node v[\d.]+/g, 'node vX');
}

describe('transcript', () => {
  it('help', async () => {
    await expect(await transcript(['--help'], [], ['apply', '--help'], ['inventory', '-h'], ['query', '--help'], ['hosts', '-h'], ['version']))
      .toMatchFileSnapshot('testdata/help.txt');
  });

  it('help of groups', async () => {
    await expect(await transcript(['token'], ['token', 'pin', '--help'], ['token', 'keygen', '--help'], ['token', 'lst'], ['token', 'pin', 'chnge'], ['tokn', 'list'], ['token', 'list', '--frob']))
      .toMatchFileSnapshot('testdata/help-groups.txt');
  }, 60_000);

  it('usage errors', async () => {
    await expect(await transcript(
      ['aply', 'site.yml'], ['apply'], ['apply', 'site.yml', '--frks', '3'], ['apply', 'site.yml'], ['apply', 'site.yml', '-i', 'hosts.yml', '-f', 'many'],
      ['apply', 'site.yml', '-i', 'hosts.yml', '-K'], ['apply', 'site.yml', '-i', 'hosts.yml', '-e', 'motto'], ['apply', 'site.yml', '-i', 'nowhere.yml'],
      ['apply', 'nowhere.yml', '-i', 'hosts.yml'], ['apply', 'site.yml', '-i', 'hosts.yml', '-l', 'wbeservers'],
      ['apply', 'site.yml', '-i', 'hosts.yml', '--private-key', 'no-key'], ['hosts', '-i', 'hosts.yml', 'nobody'], ['inventory', '-i', 'hosts.yml', 'nobody'],
      ['inventory', '--inventory', 'hosts.yml', '-m', 'lib.so'], ['inventory', '-i', 'hosts.yml', '-m', '/lib.so', '--module-env', 'X'], ['inventory', '-i', 'hosts.yml', '--module-env', 'X=1'],
      ['query'], ['query', 'select 1', '--format', 'xml'], ['query', 'select bitz from keys'], ['query', 'delete from hosts'], ['query', 'select 1', '--timeout', '0'],
    )).toMatchFileSnapshot('testdata/usage-errors.txt');
  }, 60_000);

  it('playbook errors', async () => {
    await expect(await transcript(['apply', 'wrong.yml', '-i', 'hosts.yml'])).toMatchFileSnapshot('testdata/playbook-errors.txt');
  });

  it('hosts', async () => {
    await expect(await transcript(
      ['hosts', '-i', 'hosts.yml'], ['hosts', '--inventory', 'hosts.yml', 'webservers:!old'], ['hosts', '--inventory=hosts.yml', '-i', 'more.yml'], ['hosts', '-i', 'hosts.yml', 'web1', '--json', '--vars'],
    )).toMatchFileSnapshot('testdata/hosts.txt');
  });

  it('queries', async () => {
    await expect(await transcript(
      ['query', 'select host, label, bits from keys'], ['query', "select 'a b' as x, 1 as y, null as z", '--format', 'json'],
      ['query', "select 'a,b' as x, '\"' as y", '--format', 'csv', '-i', 'hosts.yml'],
    )).toMatchFileSnapshot('testdata/queries.txt');
  });
});

describe('the launcher', () => {
  it('follows symbolic links', async () => {
    const link = join(folder, 'linked');
    symlinkSync(program, link);
    await expect(run(['version'], {}, link)).resolves.toMatchObject({ code: 0, stdout: expect.stringMatching(/^hsmfleet \d/) });
  });

  it('uses colours only where they are wanted', async () => {
    const { stderr } = await run(['query'], { FORCE_COLOR: '1' });
    expect(stderr).toContain('\u001b[31m');
    const plain = await run(['query'], { FORCE_COLOR: '1', NO_COLOR: '1' });
    expect(plain.stderr).not.toContain('\u001b');
  });
});

describe('the description for the docs', () => {
  it('names every command and option that the program takes', async () => {
    for (const command of describeCommands().commands) {
      const { stdout } = await run([...command.name.split(' '), '--help']);
      for (const { flags } of command.options) expect(stdout).toContain(flags);
    }
  }, 180_000);
});
