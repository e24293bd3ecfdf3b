import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, type HsmfleetError } from '@hsmfleet/contract';
import { loadYaml, toValue } from '@hsmfleet/yaml-source';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatInlineValue } from './inline.ts';
import { sealText, VaultKeyring, vaultSealer, type VaultKey } from './keyring.ts';
import { rekeyFiles } from './rekey.ts';

const key = (label: string): VaultKey => ({ label, password: new Secret(`password of ${label}`, 'a test') });
const [dev, prod, next] = [key('dev'), key('prod'), key('next')];
const sealed = async (text: string, by: VaultKey): Promise<string> => sealText(Buffer.from(text), by);
const block = (text: string, indent: string, end = '\n'): string => text.trimEnd().split('\n').map((line) => `${indent}${line}`).join(end);
/** What is left of a file once ciphertext is taken out: all that must stay. */
const bare = (text: string): string => text.replace(/\$ANSIBLE_VAULT[;\w.]+(?:(?:\\n|\s)*[0-9a-f]{20,})*(?:(?:\\n|\s)*[0-9a-f]+)?/g, '#');
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-rekey-'));
  file = join(folder, 'vars.yml');
});
afterEach(() => { rmSync(folder, { recursive: true }); });

async function revealed(path: string, keys: VaultKey[]): Promise<unknown> {
  const { source, problems } = await loadYaml(path, { vault: new VaultKeyring(keys) });
  expect(problems).toEqual([]);
  const open = (value: unknown): unknown => value instanceof Secret ? value.reveal()
    : Array.isArray(value) ? value.map(open)
      : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, open(item)])) : value;
  return open(toValue(source.root, source));
}

describe('values of a YAML file', () => {
  it.each([['\n', ''], ['\r\n', ''], ['\n', '\uFEFF']])('get another password, and not a letter changes beside them (line end %j, mark %j)', async (end, mark) => {
    const text = mark + [
      '# who: Jörg  ', '', 'plain:   "a"   # two   blanks',
      'pin: !vault |  # of the token', block(await sealed('648219', prod), '      ', end), '', '', '# between',
      'list:', '  - &x !vault |-', block(await sealed('ü\nlines\n', prod), '        ', end), `  - {flow: !vault ${JSON.stringify(await sealed('inner', prod))}, other: 1}`, '  - *x',
      'old: !vault-encrypted |', block(await sealed('{{ raw }}', prod), ' ', end), 'last: !vault |', block(await sealed('end', prod), '  ', end),
    ].join(end);
    writeFileSync(file, text);
    const before = await revealed(file, [prod]);
    expect(await rekeyFiles([file], new VaultKeyring([prod]), vaultSealer(next))).toEqual([{ path: file, values: 5 }]);
    const after = readFileSync(file, 'utf8');
    expect(bare(after)).toBe(bare(text));
    expect([after.includes(';prod'), after.split(';next').length - 1]).toEqual([false, 5]);
    expect(await revealed(file, [next])).toEqual(before);
    expect(before).toMatchObject({ pin: '648219', list: ['ü\nlines\n', { flow: 'inner', other: 1 }, 'ü\nlines\n'], old: '{{ raw }}', last: 'end' });
  });

  it('come back whatever they hold', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 3 }), async (texts) => {
      const lines = await Promise.all(texts.map(async (text, index) => formatInlineValue(await sealed(text, prod), `v${String(index)}`)));
      writeFileSync(file, `${lines.join('\n# c\n')}\n`);
      await rekeyFiles([file], new VaultKeyring([prod]), vaultSealer(next));
      expect(Object.values(await revealed(file, [next]) as object)).toEqual(texts);
    }), { numRuns: 8 });
  });

  it('of several vault ids are told apart', async () => {
    const whole = join(folder, 'whole.yml');
    const text = `a: !vault |\n${block(await sealed('1', dev), '  ')}\nb: !vault |\n${block(await sealed('2', prod), '  ')}\n`;
    writeFileSync(file, text);
    writeFileSync(whole, await sealed('c: 3\n', dev));
    const both = new VaultKeyring([dev, prod]);
    await expect(rekeyFiles([file, whole], both, vaultSealer(next))).rejects.toMatchObject({ code: 'USAGE', message: 'there are several vault ids: dev, prod; nothing was changed' });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await rekeyFiles([file, whole], both, vaultSealer(next), ['prod'])).toEqual([{ path: file, values: 1 }, { path: whole, values: 0 }]);
    expect(await revealed(file, [dev, next])).toEqual({ a: '1', b: '2' });
    expect(readFileSync(file, 'utf8')).toContain(block(text.split('\n').slice(1, 3).join('\n'), ''));
    expect(await rekeyFiles([file, whole], new VaultKeyring([dev, next]), vaultSealer(prod), ['dev', 'next'])).toEqual([{ path: file, values: 2 }, { path: whole, values: 'whole' }]);
  });

  it('are left, all of them, when one does not open; the place is told', async () => {
    const text = `a: !vault |\n${block(await sealed('1', dev), '  ')}\nb:\n  c: !vault |\n${block(await sealed('2', prod), '    ')}\n`;
    writeFileSync(file, text);
    const line = text.split('\n').findIndex((each) => each.includes('c: !vault')) + 1;
    await expect(rekeyFiles([file], new VaultKeyring([dev]), vaultSealer(next))).rejects.toMatchObject({ code: 'VAULT_PASSWORD', position: { file, line } });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('are missed where there are none, and in what is no YAML', async () => {
    const refuse = async (content: string | Buffer): Promise<HsmfleetError> => {
      writeFileSync(file, content);
      return rekeyFiles([file], new VaultKeyring([dev]), vaultSealer(next)).then(() => { throw new Error('it did not fail'); }, (thrown: unknown) => thrown as HsmfleetError);
    };
    expect((await refuse('a: 1\n')).message).toContain('is not encrypted, and has no encrypted value');
    expect((await refuse(Buffer.from([0x61, 0xff]))).message).toContain('is no UTF-8 text');
    expect(await refuse(`a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00\nb: [\n`)).toMatchObject({ code: 'PLAYBOOK_SYNTAX', position: { file } });
  });
});
