import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadVaultKey, parseVaultId, type PasswordSource } from './password-source.ts';

let folder = '';
const warnings: string[] = [];
const warn = (message: string): void => { warnings.push(message); };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-passwords-'));
  const write = (name: string, content: string | Buffer, mode: number): void => { writeFileSync(join(folder, name), content, { mode }); };
  write('plain', '  kaktus 42 \r\n\n', 0o600);
  write('open', 'kaktus\n', 0o644);
  write('empty', '\n', 0o600);
  write('binary', Buffer.from([0xff, 0xfe]), 0o600);
  write('vaulted', '$ANSIBLE_VAULT;1.1;AES256\n31\n', 0o600);
  write('script', '#!/bin/sh\necho " from script "\n', 0o700);
  write('vault-client.sh', '#!/bin/sh\n[ "$2" = unknown ] && exit 2\necho "$1=$2"\n', 0o700);
  write('fails', '#!/bin/sh\necho half\nexit 3\n', 0o700);
  write('no-interpreter', '#!/no/such/interpreter\n', 0o700);
  write('no-script', 'kaktus\n', 0o700);
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const load = async (source: PasswordSource, options: Partial<Parameters<typeof loadVaultKey>[1]> = {}): Promise<string> =>
  (await loadVaultKey(source, { warn, ...options })).password.reveal();
const file = (name: string, label = 'default'): PasswordSource => ({ kind: 'file', label, path: join(folder, name) });

describe('--vault-id', () => {
  it.each([
    ['prod@prompt', { kind: 'prompt', label: 'prod' }],
    ['prompt', { kind: 'prompt', label: 'default' }],
    ['prod@/etc/vault pass', { kind: 'file', label: 'prod', path: '/etc/vault pass' }],
    ['@file', { kind: 'file', label: 'default', path: 'file' }],
    ['dev@a@b', { kind: 'file', label: 'dev', path: 'a@b' }],
  ])('%s', (text, source) => {
    expect(parseVaultId(text)).toEqual(source);
  });

  it.each(['prod@', '', 'a;b@file', 'a b@file'])('refuses %j', (text) => {
    expect(() => parseVaultId(text)).toThrow();
  });
});

describe('a password', () => {
  it('comes from a file, without what stands around it', async () => {
    expect(await load(file('plain'))).toBe('kaktus 42');
  });

  it('comes from a script, whose blanks count', async () => {
    expect(await load(file('script'))).toBe(' from script ');
    expect(await load(file('vault-client.sh', 'prod'))).toBe('--vault-id=prod');
  });

  it('comes from a file descriptor', async () => {
    const fd = openSync(join(folder, 'plain'), 'r');
    expect(await load({ kind: 'fd', label: 'default', fd })).toBe('  kaktus 42 ');
    // it is read to its end and closed, so that no child gets it
    expect(() => { closeSync(fd); }).toThrow('EBADF');
  });

  it('comes from a prompt, twice when it is new', async () => {
    const asked: string[] = [];
    const ask = (question: string): Promise<string> => { asked.push(question); return Promise.resolve('typed '); };
    expect(await load({ kind: 'prompt', label: 'prod' }, { ask })).toBe('typed');
    expect(await load({ kind: 'prompt', label: 'default' }, { ask, confirm: true })).toBe('typed');
    expect(asked).toEqual(['Vault password (prod)', 'New vault password', 'New vault password again']);
  });

  it('in a file that others can read is warned of', async () => {
    await load(file('open'));
    expect(warnings).toEqual([expect.stringContaining('can be read by group or others')]);
  });
});

describe('what goes wrong', () => {
  it.each([
    ['empty', 'empty vault password'],
    ['binary', 'no UTF-8'],
    ['vaulted', 'itself encrypted'],
    ['fails', 'exit code 3'],
    ['no-script', 'executable, but no program'],
    ['no-interpreter', 'cannot be run'],
    ['missing', 'does not exist'],
    ['.', 'cannot be read'],
  ])('%s', async (name, message) => {
    await expect(load(file(name))).rejects.toThrow(message);
  });

  it('a client script may not know a label', async () => {
    await expect(load(file('vault-client.sh', 'unknown'))).rejects.toThrow('knows no password for the vault id "unknown"');
  });

  it('a prompt without a person, an empty answer, two answers', async () => {
    await expect(load({ kind: 'prompt', label: 'default' })).rejects.toThrow('nobody can be asked');
    await expect(load({ kind: 'prompt', label: 'default' }, { ask: () => Promise.resolve(' ') })).rejects.toThrow('empty');
    let count = 0;
    await expect(load({ kind: 'prompt', label: 'default' }, { confirm: true, ask: () => Promise.resolve(`a${String(count++)}`) })).rejects.toThrow('not the same');
  });

  it('a descriptor that is not open', async () => {
    await expect(load({ kind: 'fd', label: 'default', fd: 987 })).rejects.toThrow('descriptor 987 cannot be read');
  });
});
