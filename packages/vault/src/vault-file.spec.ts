import { chmodSync, existsSync, linkSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HsmfleetError, Secret, sealedKind } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VaultKeyring, vaultSealer, type VaultKey } from './keyring.ts';
import { rekeyFiles } from './rekey.ts';
import type { Sealer } from './sealing.ts';
import { createVaultFile, decryptVaultFile, editVaultFile, encryptVaultFile, readVaultFile } from './vault-file.ts';

const vaultKey = (label: string, word = 'kaktus'): VaultKey => ({ label, password: new Secret(word, 'a test') });
const key = (label: string, word?: string): Sealer => vaultSealer(vaultKey(label, word));
const keyring = new VaultKeyring([vaultKey('prod')]);
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-vault-file-'));
  file = join(folder, 'secrets.yml');
  writeFileSync(file, 'pin: "648219"\n');
  chmodSync(file, 0o640);
});
afterEach(() => { rmSync(folder, { recursive: true }); });

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const inMemory = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith('hsmfleet-vault-'));

describe('in its place', () => {
  it('is encrypted and decrypted, keeps its mode, and leaves nothing beside it', async () => {
    await encryptVaultFile(file, key('prod'));
    expect([sealedKind(readFileSync(file)), modeOf(file)]).toEqual(['vault', '640']);
    expect((await readVaultFile(file, keyring)).toString()).toBe('pin: "648219"\n');
    await decryptVaultFile(file, keyring);
    expect([readFileSync(file, 'utf8'), modeOf(file)]).toEqual(['pin: "648219"\n', '640']);
    expect(readdirSync(folder)).toEqual(['secrets.yml']);
  });

  it('stays behind its link', async () => {
    symlinkSync('secrets.yml', join(folder, 'link.yml'));
    await encryptVaultFile(join(folder, 'link.yml'), key('prod'));
    expect([lstatSync(join(folder, 'link.yml')).isSymbolicLink(), sealedKind(readFileSync(file))]).toEqual([true, 'vault']);
  });

  it('keeps bytes that are no text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0, 0x80, 0x0d, 0x0a]);
    writeFileSync(file, bytes);
    await encryptVaultFile(file, key('prod'));
    expect((await readVaultFile(file, keyring)).equals(bytes)).toBe(true);
  });

  it('goes into another file, which its owner alone can read', async () => {
    const output = join(folder, 'out.yml');
    await encryptVaultFile(file, key('prod'), output);
    expect([sealedKind(readFileSync(output)), modeOf(output), readFileSync(file, 'utf8')]).toEqual(['vault', '600', 'pin: "648219"\n']);
  });

  it.skipIf(process.getuid?.() !== 0)('keeps its owner', async () => {
    const { chownSync } = await import('node:fs');
    chownSync(file, 4321, 4322);
    await encryptVaultFile(file, key('prod'));
    expect([statSync(file).uid, statSync(file).gid, modeOf(file)]).toEqual([4321, 4322, '640']);
  });
});

describe('a failure', () => {
  it('leaves the file as it was', async () => {
    await encryptVaultFile(file, key('prod'));
    const before = readFileSync(file);
    const wrong = new VaultKeyring([vaultKey('prod', 'wrong')]);
    await expect(decryptVaultFile(file, wrong)).rejects.toMatchObject({ code: 'VAULT_PASSWORD', position: { file, line: 1, column: 1 }, excerpt: '$ANSIBLE_VAULT;1.2;AES256;prod' });
    await expect(rekeyFiles([file], wrong, key('new', 'other'))).rejects.toMatchObject({ code: 'VAULT_PASSWORD' });
    await expect(editVaultFile(file, wrong, () => Promise.resolve())).rejects.toMatchObject({ code: 'VAULT_PASSWORD' });
    await expect(encryptVaultFile(file, key('prod'))).rejects.toMatchObject({ code: 'VAULT_INVALID', message: expect.stringContaining('encrypted already') as string });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(['secrets.yml']);
  });

  it('of a write says so, and loses nothing', async () => {
    await expect(encryptVaultFile(file, key('prod'), join(folder, 'no/such/folder/x'))).rejects.toMatchObject({ code: 'FILE_WRITE' });
    expect(readFileSync(file, 'utf8')).toBe('pin: "648219"\n');
  });

  it('of one file rekeys none', async () => {
    const other = join(folder, 'other.yml');
    writeFileSync(other, 'x: 1\n');
    await encryptVaultFile(file, key('prod'));
    await encryptVaultFile(other, key('prod', 'another password'));
    const before = [readFileSync(file), readFileSync(other)];
    await expect(rekeyFiles([file, other], keyring, key('new', 'fresh'))).rejects.toMatchObject({ code: 'VAULT_PASSWORD', position: { file: other } });
    expect([readFileSync(file), readFileSync(other)]).toEqual(before);
  });

  it('tells a plain file, one with encrypted values, and one that is not there', async () => {
    await expect(readVaultFile(file, keyring)).rejects.toMatchObject({ code: 'VAULT_INVALID', message: expect.stringContaining('as a whole') as string });
    writeFileSync(file, 'pin: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n');
    await expect(readVaultFile(file, keyring)).rejects.toMatchObject({ hint: expect.stringContaining('encrypt-string') as string });
    await expect(readVaultFile(join(folder, 'none'), keyring)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});

describe('rekey', () => {
  it('gives another password and label, and keeps the mode', async () => {
    await encryptVaultFile(file, key('prod'));
    await rekeyFiles([file], keyring, key('next', 'fresh'));
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe('$ANSIBLE_VAULT;1.2;AES256;next');
    expect([(await readVaultFile(file, new VaultKeyring([vaultKey('x', 'fresh')]))).toString(), modeOf(file)]).toEqual(['pin: "648219"\n', '640']);
    await expect(readVaultFile(file, keyring)).rejects.toMatchObject({ code: 'VAULT_PASSWORD' });
  });
});

describe('edit', () => {
  it('hands out plain text in memory, for the owner alone, called after the file; label and mode stay', async () => {
    await encryptVaultFile(file, key('prod'));
    const seen: string[] = [];
    const changed = await editVaultFile(file, new VaultKeyring([vaultKey('other')]), (path) => {
      seen.push(path, modeOf(path), modeOf(join(path, '..')), readFileSync(path, 'utf8'));
      // editors write a new file, and leave others beside it
      rmSync(path);
      writeFileSync(path, 'pin: "555555"\n');
      writeFileSync(`${path}~`, 'pin: "648219"\n');
      return Promise.resolve();
    });
    expect(changed).toBe(true);
    expect(seen).toEqual([expect.stringMatching(/^\/dev\/shm\/hsmfleet-vault-\w+\/secrets\.yml$/), '600', '700', 'pin: "648219"\n']);
    expect(existsSync(join(seen[0] ?? '', '..'))).toBe(false);
    expect(readFileSync(file, 'utf8').split('\n')[0]).toBe('$ANSIBLE_VAULT;1.2;AES256;prod');
    expect([(await readVaultFile(file, keyring)).toString(), modeOf(file)]).toEqual(['pin: "555555"\n', '640']);
  });

  it('does not touch the file when nothing changed, or the editor failed', async () => {
    await encryptVaultFile(file, key('prod'));
    const before = readFileSync(file);
    expect(await editVaultFile(file, keyring, () => Promise.resolve())).toBe(false);
    const others = inMemory();
    await expect(editVaultFile(file, keyring, (path) => {
      writeFileSync(path, 'half');
      return Promise.reject(new HsmfleetError('VAULT_EDIT', 'the editor failed'));
    })).rejects.toMatchObject({ code: 'VAULT_EDIT' });
    await expect(editVaultFile(file, keyring, (path) => Promise.resolve(rmSync(path)))).rejects.toMatchObject({ code: 'VAULT_EDIT' });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(inMemory()).toEqual(others);
  });

  it('never overwrites what somebody else wrote meanwhile, and keeps both', async () => {
    await encryptVaultFile(file, key('prod'));
    const error = await editVaultFile(file, keyring, (path) => {
      writeFileSync(path, 'pin: "my edit"\n');
      writeFileSync(file, 'theirs');
      return Promise.resolve();
    }).catch((thrown: unknown) => thrown as HsmfleetError);
    expect(error).toMatchObject({ code: 'FILE_WRITE', message: expect.stringContaining('changed by somebody else') as string });
    expect(readFileSync(file, 'utf8')).toBe('theirs');
    const rescue = /\/dev\/shm\/\S+\.vault/.exec((error as HsmfleetError).hint ?? '')?.[0] ?? '';
    expect((await readVaultFile(rescue, keyring)).toString()).toBe('pin: "my edit"\n');
    rmSync(rescue);
  });
});

describe('create', () => {
  it('makes a file for its owner alone, and never replaces one', async () => {
    const made = join(folder, 'folders/on/the/way/new.yml');
    await createVaultFile(made, key('default'), (path) => Promise.resolve(writeFileSync(path, 'a: 1\n')));
    expect([readFileSync(made, 'utf8').split('\n')[0], modeOf(made)]).toEqual(['$ANSIBLE_VAULT;1.1;AES256', '600']);
    await expect(createVaultFile(made, key('default'), () => Promise.resolve())).rejects.toMatchObject({ code: 'FILE_WRITE' });
    const late = join(folder, 'late.yml');
    const error = await createVaultFile(late, key('default'), (path) => {
      writeFileSync(path, 'mine');
      linkSync(file, late);
      return Promise.resolve();
    }).catch((thrown: unknown) => thrown as HsmfleetError);
    expect(error).toMatchObject({ code: 'FILE_WRITE' });
    expect(readFileSync(late, 'utf8')).toBe('pin: "648219"\n');
    expect(readdirSync(folder).sort()).toEqual(['folders', 'late.yml', basename(file)].sort());
    rmSync(/\/dev\/shm\/\S+\.vault/.exec((error as HsmfleetError).hint ?? '')?.[0] ?? '/nonexistent', { force: true });
  });
});
