import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatInlineValue } from './inline.ts';
import { sealText, VaultKeyring, vaultSealer } from './keyring.ts';
import { loadVaultKey, parseVaultId } from './password-source.ts';
import { rekeyFiles } from './rekey.ts';
import { encryptVaultFile, readVaultFile } from './vault-file.ts';

/* Both ways between this program and the ansible-vault of the machine. */
const hasAnsible = (() => {
  try {
    execFileSync('ansible-vault', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write('skipped: ansible-vault (Debian: ansible-core) is missing\n');
    return false;
  }
})();

const PASSWORD = 'kaktus ü 42';
const key = { label: 'prod', password: new Secret(PASSWORD, 'a test') };
let folder = '';
const at = (name: string): string => join(folder, name);
const write = (name: string, content: string | Buffer, mode = 0o600): string => {
  writeFileSync(at(name), content, { mode });
  return at(name);
};
const env = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8', ANSIBLE_LOCALHOST_WARNING: 'False', ANSIBLE_INVENTORY_UNPARSED_WARNING: 'False' });
const run = (program: string, args: string[], input = ''): Buffer => execFileSync(program, args, { cwd: folder, env: env(), input, stdio: ['pipe', 'pipe', 'pipe'] });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-ansible-vault-'));
  write('password', `${PASSWORD}\n`);
});
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Sizes around a block, bytes that are no text, and a text of many lines. */
const CONTENTS: [string, Buffer][] = [
  ['one byte', Buffer.from('x')],
  ['a block less one byte', Buffer.alloc(15, 'a')],
  ['a block', Buffer.alloc(16, 'b')],
  ['bytes that are no text', Buffer.from([0xff, 0, 0x0d, 0x0a, 0x80, 0x10, 0x10])],
  ['a long text', Buffer.from('Grüße: "{{ x }}"\n'.repeat(3_000))],
];

describe.skipIf(!hasAnsible)('ansible-vault', { timeout: 60_000 }, () => {
  // all contents at once: a start of ansible-vault takes a second
  it('decrypts what we encrypted', async () => {
    const files = CONTENTS.map(([name, content]) => write(name, content));
    for (const file of files) await encryptVaultFile(file, vaultSealer(key));
    run('ansible-vault', ['decrypt', '--vault-password-file', 'password', ...files]);
    for (const [name, content] of CONTENTS) expect([name, readFileSync(at(name)).equals(content)]).toEqual([name, true]);
  });

  it.each([
    ['1.1', ['--vault-password-file', 'password'], '$ANSIBLE_VAULT;1.1;AES256'],
    ['1.2', ['--vault-id', 'prod@password'], '$ANSIBLE_VAULT;1.2;AES256;prod'],
  ])('has what it encrypted in format %s decrypted', async (_version, args, header) => {
    const files = CONTENTS.map(([name, content]) => write(name, content));
    run('ansible-vault', ['encrypt', ...args, ...files]);
    for (const [name, content] of CONTENTS) {
      expect(readFileSync(at(name), 'utf8').split('\n')[0]).toBe(header);
      expect([name, (await readVaultFile(at(name), new VaultKeyring([key]))).equals(content)]).toEqual([name, true]);
    }
  });

  it('writes the same text for the same salt: the form of both files is equal line by line', async () => {
    const file = write('theirs', 'hello');
    run('ansible-vault', ['encrypt', '--vault-id', 'prod@password', file]);
    const theirs = readFileSync(file, 'latin1');
    const ours = await sealText(Buffer.from('hello'), key);
    expect(ours.split('\n').map((line) => line.length)).toEqual(theirs.split('\n').map((line) => line.length));
  });

  it('rekeys what we wrote, and we rekey what it wrote', async () => {
    const file = write('both', 'a: 1\n');
    write('next', 'next password\n');
    await encryptVaultFile(file, vaultSealer(key));
    run('ansible-vault', ['rekey', '--vault-id', 'prod@password', '--new-vault-id', 'new@next', file]);
    const next = await loadVaultKey(parseVaultId(`new@${at('next')}`), { warn: () => undefined });
    await rekeyFiles([file], new VaultKeyring([next]), vaultSealer(key));
    expect(run('ansible-vault', ['view', '--vault-id', 'prod@password', file]).toString()).toBe('a: 1\n');
  });

  it('takes the same passwords from the same sources', async () => {
    write('client-client.sh', '#!/bin/sh\nprintf "  for %s \\n" "$2"\n', 0o700);
    write('script.sh', '#!/bin/sh\nprintf " blanks count \\n\\n"\n', 0o700);
    write('blanks', ' \t blanks do not \n\n');
    for (const id of ['prod@client-client.sh', 'x@script.sh', 'y@blanks']) {
      const [label = '', source = ''] = id.split('@');
      const loaded = await loadVaultKey(parseVaultId(`${label}@${at(source)}`), { warn: () => undefined });
      const file = write('file', 'a: 1\n');
      await encryptVaultFile(file, vaultSealer(loaded));
      expect(run('ansible-vault', ['view', '--vault-id', `${label}@${at(source)}`, file]).toString()).toBe('a: 1\n');
    }
  });

  it('opens the values that we rekeyed, with its comments, CRLF and letters of other alphabets', async () => {
    write('next', 'next password\n');
    const next = await loadVaultKey(parseVaultId(`new@${at('next')}`), { warn: () => undefined });
    for (const end of ['\n', '\r\n']) {
      const value = run('ansible-vault', ['encrypt_string', '--vault-id', 'prod@password', '--stdin-name', 'pin'], 'Grüße, 世界').toString().trimEnd();
      const file = write('vars.yml', `${['# Jörg', value, 'plain: 1  # two'].join('\n')}\n`.replaceAll('\n', end));
      await rekeyFiles([file], new VaultKeyring([key]), vaultSealer(next));
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^# Jörg${end}pin: !vault \\|${end}[^#]*plain: 1  # two${end}$`));
      const shown = run('ansible', ['localhost', '-m', 'debug', '-a', 'msg={{ pin }}', '-e', '@vars.yml', '--vault-id', 'new@next']).toString();
      expect(shown).toContain('Grüße, 世界');
    }
  });

  it('and we agree on a wrong password', async () => {
    const file = write('file', 'a: 1\n');
    write('next', 'next password\n');
    await encryptVaultFile(file, vaultSealer(key));
    expect(() => run('ansible-vault', ['view', '--vault-id', 'prod@next', file])).toThrow(/Decryption failed/);
    run('ansible-vault', ['rekey', '--vault-id', 'prod@password', '--new-vault-id', 'new@next', file]);
    await expect(readVaultFile(file, new VaultKeyring([key]))).rejects.toMatchObject({ code: 'VAULT_PASSWORD', position: { file, line: 1 } });
  });

  it('and we take a large file from one another', async () => {
    const content = Buffer.alloc(2 * 1024 * 1024 + 5, 'müll');
    const file = write('large', content);
    await encryptVaultFile(file, vaultSealer(key));
    run('ansible-vault', ['decrypt', '--vault-id', 'prod@password', file]);
    expect(readFileSync(file).equals(content)).toBe(true);
    run('ansible-vault', ['encrypt', '--vault-id', 'prod@password', file]);
    expect((await readVaultFile(file, new VaultKeyring([key]))).equals(content)).toBe(true);
  });

  it('writes values as we read them, and reads those that we write', async () => {
    const text = run('ansible-vault', ['encrypt_string', '--vault-id', 'prod@password', '--stdin-name', 'pin'], '648219').toString();
    const value = text.slice(text.indexOf('$ANSIBLE_VAULT'));
    expect((await new VaultKeyring([key]).open(value)).plaintext.toString()).toBe('648219');
    write('vars.yml', `${formatInlineValue(await sealText(Buffer.from('135791'), key), 'pin')}\nplain: 1\n`);
    const shown = run('ansible', ['localhost', '-m', 'debug', '-a', 'msg={{ pin }}', '-e', '@vars.yml', '--vault-id', 'prod@password']).toString();
    expect(shown).toContain('135791');
  });
});
