import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Deferred, Secret } from '@hsmfleet/contract';
import { parseExtraVars } from './extra-vars.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-vars-'));
  writeFileSync(join(folder, 'vars.yml'), 'port: 8443\nname: "{{ inventory_hostname }}"\npin: !secret file:pin\n');
  writeFileSync(join(folder, 'pin'), '648219\n', { mode: 0o600 });
});
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('-e', () => {
  it.each([
    [['a=1 b="x y"'], { a: '1', b: 'x y' }],
    [['a=1', 'a=2'], { a: '2' }],
    [['url=https://x/?a=b'], { url: 'https://x/?a=b' }],
    [['{"a": 1, "b": [true]}'], { a: 1, b: [true] }],
    [['{a: yes}'], { a: true }],
  ])('%j is %j', async (given, vars) => {
    await expect(parseExtraVars(given)).resolves.toEqual(vars);
  });

  it('keeps templates to be rendered later', async () => {
    const { a } = await parseExtraVars(['a="{{ b }}"']);
    expect(a).toEqual(new Deferred('{{ b }}'));
  });

  it('reads files, secrets included', async () => {
    const vars = await parseExtraVars(['port=1', `@${join(folder, 'vars.yml')}`]);
    expect(vars.port).toBe(8443);
    expect(vars.name).toBeInstanceOf(Deferred);
    expect(vars.pin).toBeInstanceOf(Secret);
    expect((vars.pin as Secret).reveal()).toBe('648219');
  });

  it.each([
    ['nothing', 'USAGE', '-e wants key=value, @FILE or JSON, not "nothing"'],
    ['a="', 'USAGE', '-e has a quote that is not closed'],
    ['@/nowhere.yml', 'FILE_MISSING', '/nowhere.yml does not exist'],
  ])('%s is refused', async (given, code, message) => {
    await expect(parseExtraVars([given])).rejects.toMatchObject({ code, message });
  });
});
