import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRedactor, Deferred, HsmfleetError, HsmfleetErrors, LockedSecret, Secret } from '@hsmfleet/contract';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandRange } from './expand-range.ts';
import { loadHosts } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hosts-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
  return join(folder, 'hosts.yml');
}

async function mistakes(paths: string[], options = {}): Promise<HsmfleetError[]> {
  try {
    await loadHosts(paths, options);
    return [];
  } catch (thrown) {
    return thrown instanceof HsmfleetErrors ? [...thrown.errors] : [thrown as HsmfleetError];
  }
}

const SITE = fileURLToPath(new URL('testdata/site/hosts.yml', import.meta.url));

describe('expandRange', () => {
  it.each([
    ['web1', ['web1']], ['w[1:3]', ['w1', 'w2', 'w3']], ['w[08:10].x', ['w08.x', 'w09.x', 'w10.x']], ['[a:c]', ['a', 'b', 'c']],
    ['w[0:6:3]', ['w0', 'w3', 'w6']], ['r[1:2]-[a:b]', ['r1-a', 'r1-b', 'r2-a', 'r2-b']], ['w[:2]', ['w0', 'w1', 'w2']], ['w[y:B]', ['wy', 'wz', 'wA', 'wB']],
  ])('%s', (name, expected) => {
    expect(expandRange(name)).toEqual(expected);
  });
  it.each(['w[3:1]', 'w[a:3]', 'w[1]', 'w[01:100]', 'w[1:3:0]', 'w[0:999999999]', 'w[Z:a]', 'w[1:2:3:4]'])('refuses %s', (name) => {
    expect(() => expandRange(name)).toThrow(/range/);
  });
});

describe('select', () => {
  it.each([
    ['all', 'mail.example legacy-a legacy-b web01.example web02.example web03.example db1.example'],
    ['web', 'legacy-a legacy-b web01.example web02.example web03.example'], ['old', 'legacy-a legacy-b'], ['web:!old', 'web01.example web02.example web03.example'],
    ['prod:&db', 'db1.example'], ['web,db:!old', 'web01.example web02.example web03.example db1.example'], ['web0*', 'web01.example web02.example web03.example'],
    ['~web0[12]', 'web01.example web02.example'], ['!web', 'mail.example db1.example'], ['db:mail.example', 'mail.example db1.example'], ['ungrouped', 'mail.example'],
    ['web[0]', 'web01.example'], ['web[-1]', 'legacy-b'], ['web[2:3]', 'web03.example legacy-a'], ['web[3:]', 'legacy-a legacy-b'], ['lonely_group', ''],
    ['*', 'mail.example legacy-a legacy-b web01.example web02.example web03.example db1.example'], ['localhost', 'localhost'], ['web?1.example', 'web01.example'],
    ['web0[!1].example', 'web02.example web03.example'],
  ])('%s', async (pattern, expected) => {
    const model = await loadHosts([SITE]);
    const wanted = expected.split(' ').filter((name) => name !== '');
    expect([...model.select(pattern)].sort()).toEqual(wanted.sort());
  });

  it('keeps the order of the pattern, and narrows by a limit', async () => {
    const model = await loadHosts([SITE]);
    expect(model.select('db1.example,mail.example')).toEqual(['db1.example', 'mail.example']);
    expect(model.select('web', 'prod:!old')).toEqual(['web01.example', 'web02.example', 'web03.example']);
    writeFileSync(join(folder, 'limit'), '# failed\nweb01.example\n\ndb1.example\n');
    expect(model.select('all', `@${join(folder, 'limit')}`)).toEqual(['web01.example', 'db1.example']);
  });

  it.each([
    ['wbe', 'HOST_PATTERN', 'did you mean "web"?'], ['web:!odl', 'HOST_PATTERN', 'did you mean "old"?'], ['zzz*', 'HOST_PATTERN', undefined], ['web[99]', 'HOST_PATTERN', 'indexes count from 0'],
    ['~[', 'HOST_PATTERN', undefined], ['', 'HOST_PATTERN', 'use "all" for every host'], ['@/no/such', 'FILE_MISSING', '@ is followed by the path of a file with one host or pattern per line'],
  ])('refuses %j', async (pattern, code, hint) => {
    const model = await loadHosts([SITE]);
    expect(() => model.select(pattern)).toThrow(expect.objectContaining({ code, hint }) as Error);
  });

  it('never throws anything but its own errors', async () => {
    const model = await loadHosts([SITE]);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'web:!&~[]*?,01@-. '.split('')) }), (pattern) => {
      try {
        expect(Array.isArray(model.select(pattern))).toBe(true);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(HsmfleetError);
      }
    }));
  });
});

describe('loadHosts', () => {
  it('merges variables in the order of Ansible, those of the playbook last', async () => {
    const path = write({
      'hosts.yml': 'web:\n  hosts:\n    a: {x: inline, t: "{{ x }}"}\n  vars: {x: group, g: group}\n',
      'group_vars/web.yml': 'x: file\ng: file\n', 'group_vars/all.yml': 'g: all\nall: 1\n',
      'play/group_vars/web.yml': 'g: playbook\n', 'play/host_vars/a.yml': 'h: playbook\npin: !secret file:../../pin\n', pin: '648219\n',
    });
    const model = await loadHosts([path], { playbookDir: join(folder, 'play') });
    expect(model.hosts.get('a')?.vars).toEqual({
      x: 'inline', g: 'playbook', all: 1, h: 'playbook', pin: new Secret('648219', 'file:../../pin'),
      t: new Deferred('{{ x }}', 'text', { file: path, line: 3, column: 24 }),
    });
    expect(model.hosts.get('a')?.position).toEqual({ file: path, line: 3, column: 5 });
    expect(model.hosts.get('a')?.groups).toEqual(['web']);
  });

  it('takes folders and lists', async () => {
    write({ 'inv/1.yml': 'a:\n  hosts: {h1: }\n', 'inv/2.yml': 'b:\n  hosts: {h2: }\n', 'inv/group_vars/a.yml': 'x: 1\n' });
    const model = await loadHosts([join(folder, 'inv'), 'h3,']);
    expect([...model.hosts.keys()]).toEqual(['h1', 'h2', 'h3']);
    expect(model.hosts.get('h1')?.vars).toEqual({ x: 1 });
  });

  it('knows the control host without being told', async () => {
    const model = await loadHosts([SITE]);
    expect(model.hosts.has('localhost')).toBe(false);
    expect(model.find('localhost')?.vars).toMatchObject({ ansible_connection: 'local', from_all: 1 });
  });

  it('warns about a name that is host and group', async () => {
    const model = await loadHosts([write({ 'hosts.yml': 'web:\n  hosts: {web: }\n' })]);
    expect(model.warnings).toEqual([expect.stringContaining('host and a group')]);
  });

  it.each<[string, string, number, number, string]>([
    ['an unknown key of a group', 'web:\n  host: {a: }\n', 2, 3, 'HOSTS_INVALID'], ['hosts as a list', 'web:\n  hosts:\n    - a\n', 3, 5, 'HOSTS_INVALID'],
    ['a bad range', 'web:\n  hosts:\n    w[3:1]:\n', 3, 5, 'HOSTS_INVALID'], ['groups in a circle', 'a:\n  children:\n    b:\n      children:\n        a:\n', 1, 1, 'HOSTS_INVALID'],
    ['a list as the file', '- a\n', 1, 1, 'HOSTS_INVALID'], ['bad indentation', 'web:\n  hosts:\n    a: 1\n     b: 2\n', 4, 6, 'PLAYBOOK_SYNTAX'],
    ['a secret that is not there', 'web:\n  hosts:\n    a: {p: !secret file:nope}\n', 3, 20, 'SECRET_REFERENCE'], ['a host that is no mapping', 'web:\n  hosts:\n    a: text\n', 3, 8, 'HOSTS_INVALID'],
  ])('reports %s', async (_what, text, line, column, code) => {
    const path = write({ 'hosts.yml': text });
    const [first, ...more] = await mistakes([path]);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ code, position: { file: path, line, column } });
    expect(first?.excerpt).toBe(text.split('\n')[line - 1]);
  });

  it('asks for a password where an encrypted value is used, and for a file that is encrypted as a whole', async () => {
    const path = write({ 'hosts.yml': 'web:\n  hosts: {a: }\n  vars:\n    pin: !vault x\n    plain: 1\n' });
    const vars = (await loadHosts([path])).find('a')?.vars;
    expect(vars).toMatchObject({ plain: 1, pin: expect.any(LockedSecret) as LockedSecret });
    expect(() => (vars?.pin as LockedSecret).reveal()).toThrow(expect.objectContaining({ code: 'VAULT_PASSWORD', position: { file: path, line: 4, column: 17 } }) as Error);
    expect(createRedactor([vars?.pin as Secret]).text('as it is')).toBe('as it is');
    write({ 'group_vars/web.yml': '$ANSIBLE_VAULT;1.1;AES256\n6162\n' });
    expect(await mistakes([path])).toMatchObject([{ code: 'VAULT_PASSWORD', position: { line: 1 } }]);
  });

  it('reports all mistakes at once', async () => {
    const path = write({ 'hosts.yml': 'web:\n  hots: {}\n  hosts:\n    w[b:a]:\ndb: text\n' });
    expect((await mistakes([path, join(folder, 'none.yml')])).map((error) => error.position?.line)).toEqual([2, 4, 5, undefined]);
  });

  it('reads vars files that are executable, and says that a vars file must be a mapping', async () => {
    const path = write({ 'hosts.yml': 'web:\n  hosts: {a: }\n', 'group_vars/web': '#!/bin/sh\nx: 1\n' });
    chmodSync(join(folder, 'group_vars/web'), 0o700);
    expect((await loadHosts([path])).find('a')?.vars).toEqual({ x: 1 });
    write({ 'host_vars/a.yml': '- x\n' });
    expect((await mistakes([path])).map((error) => error.message)).toEqual([expect.stringContaining('must be a mapping')]);
  });

  it('never throws anything but its own errors on a mangled file', async () => {
    const good = 'all:\n  hosts:\n    a: {x: 1}\n  children:\n    web:\n      hosts:\n        w[1:2]:\n      vars: {y: "{{ x }}"}\n';
    const edit = fc.tuple(fc.nat(good.length), fc.nat(4), fc.string({ maxLength: 4, unit: fc.constantFrom(...' \n:{}[]-&*!"#|x'.split('')) }));
    await fc.assert(fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      const text = edits.reduce((mangled, [at, cut, insert]) => mangled.slice(0, at) + insert + mangled.slice(at + cut), good);
      for (const error of await mistakes([write({ 'hosts.yml': text })])) expect(error).toBeInstanceOf(HsmfleetError);
    }), { numRuns: 150 });
  });
});
