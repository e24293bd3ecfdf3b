import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@hsmfleet/contract';
import { formatInlineValue, sealText, VaultKeyring } from '@hsmfleet/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPin } from './read-pin.ts';
import { readVaultedValue } from './vaulted-value.ts';

const key = { label: 'default', password: new Secret('kaktus', 'a test') };
const keyring = new VaultKeyring([key]);
let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-vaulted-value-'));
  const seal = (text: string): Promise<string> => sealText(Buffer.from(text), key);
  writeFileSync(at('password'), 'kaktus\n', { mode: 0o600 });
  writeFileSync(at('whole.yml'), await seal('pin: "648219"\ntokens: {web1: {pin: "135791"}}\nlines: "a\\nb"\nempty: ""\nlabelled: "web1:648219"\n'));
  writeFileSync(at('values.yml'), `${formatInlineValue(await seal('648219\n'), 'pin')}\nplain: "555555"\n`);
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const read = async (place: string): Promise<string> => (await readVaultedValue(at(place), '--pin-vault', keyring)).reveal();

describe('a value of an encrypted file', () => {
  it('is named by its file and key', async () => {
    expect(await read('whole.yml:pin')).toBe('648219');
    expect(await read('whole.yml:tokens.web1.pin')).toBe('135791');
    expect(await read('values.yml:pin')).toBe('648219\n');
  });

  it.each([
    ['values.yml:plain', 'is not encrypted: it is not used'],
    ['values.yml:none', 'has no value "none"'],
    ['whole.yml:pin.deeper', 'has no value "pin.deeper"'],
    ['whole.yml:', 'wants FILE:KEY'],
    ['none.yml:pin', 'does not exist'],
  ])('%s', async (place, message) => {
    await expect(read(place)).rejects.toThrow(message);
  });

  it('needs the right password', async () => {
    await expect(readVaultedValue(at('whole.yml:pin'), '--pin-vault', new VaultKeyring([]))).rejects.toMatchObject({ code: 'VAULT_PASSWORD', position: { line: 1 } });
    await expect(readVaultedValue(at('values.yml:pin'), '--pin-vault', new VaultKeyring([]))).rejects.toMatchObject({ code: 'VAULT_PASSWORD' });
    await expect(readVaultedValue(at('values.yml:plain'), '--pin-vault', new VaultKeyring([]))).rejects.toThrow('is not encrypted');
  });
});

describe('a PIN from the vault', () => {
  const pin = (place: string, more = {}): Promise<Secret> => readPin({
    name: 'PIN', vault: at(place), vaultOptions: { vaultPasswordFile: [at('password')] }, option: '--pin', question: 'PIN of web1', label: 'web1', ...more,
  });

  it('is its one line', async () => {
    expect((await pin('values.yml:pin')).reveal()).toBe('648219');
  });

  it('is refused when it cannot be one, before a try is spent', async () => {
    await expect(pin('whole.yml:lines')).rejects.toThrow('more than one line');
    await expect(pin('whole.yml:empty')).rejects.toThrow('is empty');
    await expect(pin('whole.yml:labelled')).rejects.toThrow("a web server's PIN file");
    await expect(pin('whole.yml:pin', { file: 'x' })).rejects.toThrow('--pin-file and --pin-vault are both given');
  });
});
