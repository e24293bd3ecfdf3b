import { HsmfleetError, Secret } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seal, unseal } from './cipher.ts';
import { formatEnvelope, parseEnvelope } from './envelope.ts';
import { sealText, VaultKeyring, type VaultKey } from './keyring.ts';

const password = new Secret('kaktus 42', 'a test');
const key = (label: string, word = 'kaktus 42'): VaultKey => ({ label, password: new Secret(word, 'a test') });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
/** Key derivation is slow on purpose. */
const RUNS = { numRuns: 25 };

describe('the format', () => {
  it('is the one of ansible-vault: 80 letters a line, a label only in 1.2', async () => {
    const text = await sealText(Buffer.from('x'.repeat(100)), key('default'));
    const lines = text.split('\n');
    expect(lines[0]).toBe('$ANSIBLE_VAULT;1.1;AES256');
    expect(lines.slice(1, -2).every((line) => /^[0-9a-f]{80}$/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe('');
    expect((await sealText(Buffer.from('x'), key('prod'))).split('\n')[0]).toBe('$ANSIBLE_VAULT;1.2;AES256;prod');
  });

  it('never looks the same twice', async () => {
    expect(await sealText(Buffer.from('x'), key('a'))).not.toBe(await sealText(Buffer.from('x'), key('a')));
  });

  it('survives blanks, CRLF and indentation around its lines', async () => {
    const text = await sealText(Buffer.from('pin'), key('x'));
    const mangled = `\n${text.split('\n').map((line) => `   ${line} `).join('\r\n')}\r\n\r\n`;
    expect((await new VaultKeyring([key('x')]).open(mangled)).plaintext.toString()).toBe('pin');
  });
});

describe('any bytes under any password', () => {
  it('come back as they were', async () => {
    await fc.assert(fc.asyncProperty(bytes, fc.string({ minLength: 1 }), fc.constantFrom('default', 'prod', 'ü1'), async (plaintext, word, label) => {
      const opened = await new VaultKeyring([key('other', `${word}!`), key(label, word)]).open(await sealText(plaintext, key(label, word)));
      expect(opened.plaintext.equals(plaintext)).toBe(true);
      expect([opened.label, opened.key.label]).toEqual([label, label]);
    }), RUNS);
  });

  it('do not come back under another password', async () => {
    await fc.assert(fc.asyncProperty(bytes, fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), async (plaintext, one, other) => {
      fc.pre(one !== other);
      const open = new VaultKeyring([key('default', other)]).open(await sealText(plaintext, key('default', one)));
      await expect(open).rejects.toMatchObject({ code: 'VAULT_PASSWORD' });
    }), RUNS);
  });

  it('do not come back when any letter was changed, lost or added', async () => {
    const text = await sealText(Buffer.from('a text to encrypt'), key('default'));
    const start = text.indexOf('\n') + 1;
    const keyring = new VaultKeyring([key('default')]);
    await fc.assert(fc.asyncProperty(fc.integer({ min: start, max: text.trimEnd().length - 1 }), fc.constantFrom('change', 'lose', 'cut', 'add'), async (at, how) => {
      const letter = text.charAt(at) === '3' ? '4' : '3';
      const damaged = how === 'change' ? text.slice(0, at) + letter + text.slice(at + 1)
        : how === 'lose' ? text.slice(0, at) + text.slice(at + 1)
          : how === 'cut' ? text.slice(0, at) : `${text.slice(0, at)}zz${text.slice(at)}`;
      fc.pre(damaged.replaceAll('\n', '') !== text.replaceAll('\n', ''));
      const error: unknown = await keyring.open(damaged).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(HsmfleetError);
      expect(['VAULT_INVALID', 'VAULT_PASSWORD']).toContain((error as HsmfleetError).code);
      expect((error as HsmfleetError).message).not.toContain('a text to encrypt');
    }), { numRuns: 80 });
  });
});

describe('what is malformed', () => {
  it.each([
    ['a: 1', 'begin with $ANSIBLE_VAULT'],
    ['', 'begin with $ANSIBLE_VAULT'],
    ['$ANSIBLE_VAULT', 'format is ""'],
    ['$ANSIBLE_VAULT;1.0;AES256\n31', 'format is "1.0"'],
    ['$ANSIBLE_VAULT;1.1;AES\n31', 'cipher is "AES"'],
    ['$ANSIBLE_VAULT;1.2;AES256;a;b\n31', 'number of parts'],
    ['$ANSIBLE_VAULT;1.1;AES256\n', 'three parts'],
    ['$ANSIBLE_VAULT;1.1;AES256\n313', 'the body is no hexadecimal'],
    ['$ANSIBLE_VAULT;1.1;AES256\nxyz!', 'the body is no hexadecimal'],
    [`$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from('31\n32\n33').toString('hex')}`, 'checksum has 1 bytes'],
    [`$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from('31\nxx\n33').toString('hex')}`, 'checksum is no hexadecimal'],
    [`$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from(`31\n${'00'.repeat(32)}\n3333`).toString('hex')}`, 'whole blocks'],
    [`$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from(`\n${'00'.repeat(32)}\n${'00'.repeat(16)}`).toString('hex')}`, 'salt is empty'],
  ])('%j', (text, message) => {
    expect(() => parseEnvelope(text)).toThrow(message);
  });

  it('is told even where the checksum holds', async () => {
    const { plaintext } = await new VaultKeyring([key('default')]).open(await sealText(Buffer.alloc(0), key('default')));
    expect(plaintext).toHaveLength(0);
    const envelope = await seal(Buffer.from('x'), password, 'default');
    // the first block ends in 15 bytes 0x0f; cut ciphertext under a checksum of its own cannot be made without the password
    await expect(unseal({ ...envelope, ciphertext: envelope.ciphertext.subarray(0, 8) }, password)).resolves.toBeUndefined();
    expect(parseEnvelope(formatEnvelope(envelope))).toEqual(envelope);
  });
});

describe('the keyring', () => {
  it('says that a password is needed, that one does not fit, and which were tried', async () => {
    const text = await sealText(Buffer.from('x'), key('prod'));
    await expect(new VaultKeyring([]).open(text)).rejects.toMatchObject({ code: 'VAULT_PASSWORD', hint: expect.stringContaining('--vault-password-file') as string });
    await expect(new VaultKeyring([key('a', 'wrong-word-1'), key('b', 'wrong-word-2')]).open(text)).rejects.toThrow('none of the 2 vault passwords fits (vault id "prod", tried a, b)');
    const error = await new VaultKeyring([key('a', 'wrong-word-1')]).open(text).catch((thrown: unknown) => thrown as HsmfleetError);
    expect(JSON.stringify([(error as HsmfleetError).message, (error as HsmfleetError).hint])).not.toContain('wrong-word');
  });

  it('opens with a password of another label, as Ansible does', async () => {
    const { key: used, label } = await new VaultKeyring([key('a')]).open(await sealText(Buffer.from('x'), key('prod')));
    expect([used.label, label]).toEqual(['a', 'prod']);
  });

  it('encrypts with the one key there is, or with the one named', () => {
    expect(new VaultKeyring([key('a')]).pick().label).toBe('a');
    expect(new VaultKeyring([key('a'), key('b')]).pick('b').label).toBe('b');
    expect(() => new VaultKeyring([key('a'), key('b')]).pick()).toThrow('several');
    expect(() => new VaultKeyring([key('a')]).pick('c')).toThrow('no password is given for the vault id "c"');
    expect(() => new VaultKeyring([]).pick()).toThrow('no vault password');
  });
});
