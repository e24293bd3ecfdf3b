import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgeKeyring, loadIdentityFile, readRecipientsFile, sealForRecipients } from './index.ts';

/* Both ways between this program and the age of the machine. */
const hasAge = (() => {
  try {
    execFileSync('age', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write('skipped: age (Debian: age) is missing\n');
    return false;
  }
})();

let folder = '';
const at = (name: string): string => join(folder, name);
const age = (args: string[], input: string | Buffer = ''): Buffer => execFileSync('age', args, { cwd: folder, input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 8 * 1024 * 1024 });
/** One byte, bytes that are no text, a whole chunk of age's stream, and more than one. */
const CONTENTS = [Buffer.alloc(0), Buffer.from('x'), Buffer.from([0xff, 0, 0x0d, 0x0a, 0x80]), Buffer.alloc(65_536, 'a'), Buffer.from('Grüße\r\n'.repeat(30_000))];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-age-'));
});
afterAll(() => { rmSync(folder, { recursive: true }); });

describe.skipIf(!hasAge)('age', { timeout: 60_000 }, () => {
  it('opens what we seal for its recipients file, and we open what it seals, armored and not', async () => {
    for (const name of ['one', 'two']) execFileSync('age-keygen', ['-o', at(name)], { stdio: 'ignore' });
    writeFileSync(at('team'), execFileSync('age-keygen', ['-y', at('one')]).toString() + execFileSync('age-keygen', ['-y', at('two')]).toString());
    const recipients = await readRecipientsFile(at('team'));
    const identities = await loadIdentityFile(at('two'), { warn: () => undefined });
    expect(identities.map(({ recipient }) => recipient)).toEqual(recipients.slice(1));
    for (const content of CONTENTS) {
      const ours = await sealForRecipients(content, recipients);
      for (const name of ['one', 'two']) expect(age(['-d', '-i', name], ours).equals(content)).toBe(true);
      for (const form of [[], ['-a']]) {
        const theirs = age(['-R', 'team', ...form], content);
        expect((await new AgeKeyring(identities).open(theirs)).plaintext.equals(content)).toBe(true);
      }
    }
    const alone = await new AgeKeyring(identities).open(age(['-r', recipients[1] ?? ''], 'x'));
    expect(alone.recipient).toBe(recipients[1]);
    expect(readFileSync(at('two'), 'utf8')).toContain('AGE-SECRET-KEY-1');
  });
});
