import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deferred, HsmfleetError, Secret, type Value } from '@hsmfleet/contract';
import { renderValue, scopeOf } from '@hsmfleet/template';
import { describe, expect, it } from 'vitest';
import { loadYaml, parseYaml, Problems, toValue, type LoadedYaml, type VaultOpener } from './index.ts';

/** Stands for the vault: what it opens is here, so that this spec is about YAML alone. */
const vault = (texts: Record<string, string | Buffer>): VaultOpener => ({
  open: (text) => {
    const name = text.toString().trim().split('\n').at(-1)?.trim() ?? '';
    const found = texts[name];
    return found === undefined
      ? Promise.reject(new HsmfleetError('VAULT_PASSWORD', 'the vault password does not fit', { hint: 'try another' }))
      : Promise.resolve({ plaintext: Buffer.from(found) });
  },
});
const sealed = (name: string, indent = 2): string => `!vault |\n${' '.repeat(indent)}$ANSIBLE_VAULT;1.1;AES256\n${' '.repeat(indent)}${name}\n`;
const file = '$ANSIBLE_VAULT;1.1;AES256\nfile\n';
const valueOf = ({ source, problems }: LoadedYaml): Record<string, Value> => {
  expect(problems).toEqual([]);
  return toValue(source.root, source) as Record<string, Value>;
};
const read = async (content: string): Promise<LoadedYaml> => parseYaml('group_vars/v.yml', file, { vault: vault({ file: content }) });
const revealed = (value: unknown): unknown => (value instanceof Secret ? value.reveal() : value);

describe('a !vault value', () => {
  it('is a secret, never a template', async () => {
    const text = `a: ${sealed('one')}b:\n  - x\n  - ${sealed('two', 6)}c: &c !vault-encrypted ${'one'}\nd: *c\n`;
    const value = valueOf(await parseYaml('dir/v.yml', text, { vault: vault({ one: '648219', two: '{{ x }}\n' }) }));
    const list = value.b as Value[];
    expect([value.a, list[1], value.c, value.d].map(revealed)).toEqual(['648219', '{{ x }}\n', '648219', '648219']);
    expect([(value.a as Secret).origin, list[0]]).toEqual(['vault:v.yml:1', 'x']);
  });

  it('that cannot be opened is told with its place, once for one password', async () => {
    const loaded = await parseYaml('v.yml', `x: 1\na: ${sealed('one')}b: ${sealed('two')}`, { vault: vault({}) });
    expect(loaded.problems.map(({ code, position }) => [code, position?.line])).toEqual([['VAULT_PASSWORD', 2], ['VAULT_PASSWORD', 5]]);
    const problems = new Problems();
    problems.add(...loaded.problems);
    problems.attempt(() => toValue(loaded.source.root, loaded.source));
    expect(() => { problems.throwIfAny(); }).toThrow(expect.objectContaining({
      message: 'the vault password does not fit; the same goes for 1 more place', position: { file: 'v.yml', line: 2, column: 11 }, excerpt: 'a: !vault |', hint: 'try another',
    }) as Error);
  });

  it('has to be text, and needs a password', async () => {
    expect((await parseYaml('v.yml', 'a: !vault {x: 1}\n', { vault: vault({}) })).problems).not.toEqual([]);
    expect((await parseYaml('v.yml', `a: ${sealed('one')}`)).problems[0]).toMatchObject({ code: 'VAULT_PASSWORD', hint: expect.stringContaining('--vault-password-file') as string });
    expect((await parseYaml('v.yml', `a: ${sealed('one')}`, { vault: vault({ one: Buffer.from([0xff]) }) })).problems[0]).toMatchObject({ code: 'VAULT_INVALID' });
  });
});

describe('what age encrypted', () => {
  it('is a secret as well: a value, and a whole file, armored or not', async () => {
    const opened: (string | Buffer)[] = [];
    const age: VaultOpener = { open: (given) => { opened.push(given); return Promise.resolve({ plaintext: Buffer.from('pin: "648219"') }); } };
    const armored = '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n';
    const value = valueOf(await parseYaml('v.yml', `a: !age |\n  ${armored.trimEnd().replaceAll('\n', '\n  ')}\n`, { vault: age }));
    expect([revealed(value.a), opened[0]]).toEqual(['pin: "648219"', armored]);
    const path = join(mkdtempSync(join(tmpdir(), 'yaml-age-')), 'whole.yml');
    for (const bytes of [Buffer.from(armored), Buffer.from('age-encryption.org/v1\n-> X25519 x\n\xff', 'latin1')]) {
      writeFileSync(path, bytes);
      const loaded = await loadYaml(path, { vault: age });
      expect([revealed(valueOf(loaded).pin), bytes.equals(Buffer.from(opened.at(-1) as Buffer))]).toEqual(['648219', true]);
      expect((await loadYaml(path)).problems).toMatchObject([{ code: 'AGE_IDENTITY', position: { file: path, line: 1 } }]);
    }
  });
});

describe('a file that is encrypted as a whole', () => {
  it('has secrets for texts and numbers; truth values, nulls and names stay', async () => {
    const value = valueOf(await read('pin: "648219"\nport: 8443\non: yes\nnone:\nlist: [a, {deep: b}]\nraw: !unsafe "{{ x }}"\n'));
    expect([value.pin, value.port, value.raw].map(revealed)).toEqual(['648219', '8443', '{{ x }}']);
    expect([value.on, value.none]).toEqual([true, null]);
    expect(JSON.stringify(value)).toBe('{"pin":"[secret]","port":"[secret]","on":true,"none":null,"list":["[secret]",{"deep":"[secret]"}],"raw":"[secret]"}');
    expect((value.pin as Secret).origin).toBe('vault:v.yml:1');
  });

  it('works in conditions and templates', async () => {
    const scope = scopeOf(valueOf(await read('pin: "648219"\nport: 8443\non: yes\nlist: [a, b]\nurl: "https://h:{{ port }}/{{ plain }}"\n')), { plain: 'p' });
    const plain = (text: string): unknown => renderValue(new Deferred(text, 'expression'), scope);
    expect(['port > 8000', 'port == 8443', 'on', "'a' in list", 'pin | length == 6', "pin == '648219'", 'list | length > 1', 'port is defined', 'missing is not defined'].map(plain)).toEqual(Array(9).fill(true));
    expect(['port < 8000', "pin != '648219'", 'not on'].map(plain)).toEqual([false, false, false]);
    expect(revealed(plain('url'))).toBe('https://h:8443/p');
    expect(String(plain('url ~ "?"'))).toBe('[secret]');
    expect(revealed(plain('port | int + 1'))).toBe('8444');
  });

  it('has templates whose own text is secret, also where they are wrong', async () => {
    const value = valueOf(await read('dsn: "hunter2:{{ host }}"\nbad: "hunter2 {{ host | nope }}"\n'));
    const scope = scopeOf(value, { host: 'db' });
    const rendered = renderValue(value.dsn as Value, scope);
    expect([revealed(rendered), String(rendered)]).toEqual(['hunter2:db', '[secret]']);
    const shown = (run: () => unknown): string => {
      try { return String(run()); } catch (thrown) { return JSON.stringify([(thrown as HsmfleetError).toShape(), (thrown as HsmfleetError).excerpt]); }
    };
    for (const text of [shown(() => renderValue(value.bad as Value, scope)), shown(() => renderValue(value.dsn as Value, scopeOf({})))]) {
      expect(text).not.toContain('hunter2');
      expect(text).toContain('v.yml');
    }
  });

  it.each([
    ['pin: 0123456\n', 'otherwise than it is written'],
    ['pin: "hunter2 {{"\n', 'no valid template'],
    ['pin: *hunter2\n', 'anchor'],
    ['pin: !hunter2 x\n', 'no YAML'],
    ['hunter2: 1\nhunter2: 2\n', 'no YAML'],
    ['pin: @hunter2\n', 'no YAML'],
    ['pin: "hunter2\n', 'no YAML'],
  ])('%j: a mistake has its place, and shows nothing', async (content, message) => {
    const { source, problems } = await read(content);
    const found = new Problems();
    found.add(...problems);
    if (source.problems.length === 0) found.attempt(() => toValue(source.root, source));
    const error = ((): HsmfleetError => {
      try { found.throwIfAny(); } catch (thrown) { return thrown as HsmfleetError; }
      throw new Error('no mistake was found');
    })();
    expect(error.message).toContain(message);
    expect(error.position).toMatchObject({ file: 'group_vars/v.yml' });
    expect([error.message, error.hint, error.excerpt, JSON.stringify(error.toShape())].join(' ')).not.toMatch(/hunter2|123456/);
  });

  it('that cannot be opened is told with its header', async () => {
    const { source, problems } = await parseYaml('v.yml', file, { vault: vault({}) });
    expect(problems).toEqual(source.problems);
    expect(problems[0]).toMatchObject({ code: 'VAULT_PASSWORD', position: { file: 'v.yml', line: 1, column: 1 }, excerpt: '$ANSIBLE_VAULT;1.1;AES256' });
    expect((await parseYaml('v.yml', file)).problems[0]).toMatchObject({ code: 'VAULT_PASSWORD' });
  });
});
