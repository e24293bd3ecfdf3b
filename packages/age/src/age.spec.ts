import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgeKeyring, loadIdentityFile, parseRecipient, readRecipientsFile, sealForRecipients, type AgeIdentity } from './index.ts';

let folder = '';
const write = (name: string, text: string | Uint8Array, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
};
const silent = { warn: () => undefined };
let mine: AgeIdentity;
let other: AgeIdentity;

async function makeIdentity(name: string): Promise<AgeIdentity> {
  const [identity] = await loadIdentityFile(write(name, `# created: now\n${await generateX25519Identity()}\n`), silent);
  return identity as AgeIdentity;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-age-'));
  mine = await makeIdentity('mine');
  other = await makeIdentity('other');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const failure = async (run: () => Promise<unknown>): Promise<HsmfleetError> => {
  const thrown: unknown = await run().catch((each: unknown) => each);
  if (thrown instanceof HsmfleetError) return thrown;
  throw new Error('it did not fail', { cause: thrown });
};

describe('what is sealed for recipients', () => {
  it('is opened by each of them, and by nobody else, whatever its bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const sealed = await sealForRecipients(bytes, [mine.recipient, other.recipient]);
      for (const identity of [mine, other]) {
        const { plaintext, recipient } = await new AgeKeyring([identity]).open(sealed);
        expect([plaintext.equals(bytes), recipient]).toEqual([true, undefined]);
      }
    }), { numRuns: 10 });
    const sealed = await sealForRecipients(Buffer.from('648219'), [mine.recipient]);
    expect(await new AgeKeyring([other, mine]).open(sealed)).toEqual({ plaintext: Buffer.from('648219'), recipient: mine.recipient });
    expect((await failure(() => new AgeKeyring([other]).open(sealed))).code).toBe('AGE_IDENTITY');
    expect((await failure(() => new AgeKeyring([]).open(sealed))).hint).toContain('--age-identity');
  });

  it('is known by its first letters, and read indented, with CRLF, and in binary', async () => {
    const sealed = await sealForRecipients(Buffer.from('x'), [mine.recipient]);
    expect([sealedKind(sealed), sealedKind(armor.decode(sealed)), sealedKind('$ANSIBLE_VAULT;1.1'), sealedKind('age: 3'), sealedKind(Buffer.alloc(0))]).toEqual(['age', 'age', 'vault', undefined, undefined]);
    for (const form of [`   ${sealed.replaceAll('\n', '\r\n   ')}`, armor.decode(sealed), Buffer.from(sealed)]) {
      expect((await new AgeKeyring([mine]).open(form)).plaintext.toString()).toBe('x');
    }
  });

  it('does not open once a letter of it is another, and the message says nothing of its contents', async () => {
    const sealed = armor.decode(await sealForRecipients(Buffer.from('648219'), [mine.recipient]));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: sealed.length - 1 }), async (at) => {
      const damaged = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte));
      const error = await failure(() => new AgeKeyring([mine]).open(damaged));
      expect(['AGE_INVALID', 'AGE_IDENTITY']).toContain(error.code);
      expect(JSON.stringify([error.toShape(), error.stack])).not.toMatch(/648219|AGE-SECRET-KEY/);
    }), { numRuns: 40 });
    expect((await failure(() => new AgeKeyring([mine]).open('-----BEGIN AGE ENCRYPTED FILE-----\nabc'))).message).toContain('armor is damaged');
  });

  it('with a passphrase is refused with what to do', async () => {
    const encrypter = new Encrypter();
    encrypter.setScryptWorkFactor(4);
    encrypter.setPassphrase('kaktus');
    const sealed = armor.encode(await encrypter.encrypt('x'));
    expect(await failure(() => new AgeKeyring([mine]).open(sealed))).toMatchObject({ code: 'AGE_INVALID', hint: expect.stringContaining('--age-recipient') as string });
  });
});

describe('identity files', () => {
  it('may have a passphrase', async () => {
    const encrypter = new Encrypter();
    encrypter.setScryptWorkFactor(4);
    encrypter.setPassphrase('kaktus');
    const key = await generateX25519Identity();
    const path = write('locked', await encrypter.encrypt(`# comment\n${key}\n`), 0o644);
    const warnings: string[] = [];
    const ask = (answer: string) => ({ ask: () => Promise.resolve(answer), warn: (message: string) => { warnings.push(message); } });
    expect(await loadIdentityFile(path, ask('kaktus'))).toEqual([{ recipient: await identityToRecipient(key), key: expect.anything() as unknown }]);
    expect(warnings).toEqual([]);
    expect((await failure(() => loadIdentityFile(path, ask('wrong')))).message).toContain('passphrase of the age identity file');
    expect((await failure(() => loadIdentityFile(path, silent))).message).toContain('nobody can be asked');
  });

  it('are warned of when others can read them, and their mistakes repeat nothing of them', async () => {
    const warnings: string[] = [];
    await loadIdentityFile(write('open', await generateX25519Identity(), 0o644), { warn: (message) => { warnings.push(message); } });
    expect(warnings).toEqual([expect.stringContaining('chmod 600') as string]);
    const key = await generateX25519Identity();
    for (const text of [`${key}x\n`, key.slice(0, 30), '-----BEGIN OPENSSH PRIVATE KEY-----\nabcdef\n', '\n# nothing\n']) {
      const error = await failure(() => loadIdentityFile(write('bad', text), silent));
      expect(error.code).toBe('AGE_IDENTITY');
      expect(JSON.stringify([error.toShape(), error.excerpt, error.stack])).not.toMatch(/AGE-SECRET-KEY-1\w|abcdef/);
    }
    expect(await failure(() => loadIdentityFile(join(folder, 'none'), silent))).toMatchObject({ code: 'FILE_MISSING' });
  });
});

describe('recipients', () => {
  it('come from a file, one a line, and mistakes have their line', async () => {
    expect(await readRecipientsFile(write('team', `# team\n\n${mine.recipient}\r\n${other.recipient}\n`))).toEqual([mine.recipient, other.recipient]);
    expect(await failure(() => readRecipientsFile(write('team', `${mine.recipient}\nage1xyz\n`)))).toMatchObject({ code: 'AGE_INVALID', position: { line: 2 } });
    expect((await failure(() => readRecipientsFile(write('team', '# nobody\n')))).message).toContain('names no recipient');
  });

  it('never repeat an identity that stands in their place', () => {
    const key = mine.key.reveal();
    for (const text of [key, key.toLowerCase(), 'ssh-ed25519 AAAA', 'age1']) {
      try {
        parseRecipient(text);
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'AGE_INVALID' });
        expect(String((thrown as Error).stack).toUpperCase()).not.toContain(key);
      }
    }
  });
});
