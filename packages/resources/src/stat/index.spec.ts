import { runCase } from '@hsmfleet/resource/testkit';
import { expect, test } from 'vitest';
import { resource } from './index.ts';

const seen = { kind: 'file', mode: 0o4750, uid: 0, gid: 33, owner: 'root', group: 'www-data', size: 7, mtimeMs: 1_500, target: undefined };

test("the answer has Ansible's shape", () => {
  const { steps, result } = resource.plan({ path: '/a' }, { stat: seen, checksum: 'abc', realPath: null }, {});
  expect(steps).toEqual([]);
  expect(result?.stat).toMatchObject({
    exists: true, mode: '4750', isreg: true, isdir: false, islnk: false, pw_name: 'root', gr_name: 'www-data', mtime: 1.5, checksum: 'abc',
    rusr: true, xgrp: true, wgrp: false, roth: false, isuid: true, isgid: false,
  });
});

test('a link tells where it points and where it leads', () => {
  const { result } = resource.plan({ path: '/l' }, { stat: { ...seen, kind: 'link', target: 'a' }, checksum: null, realPath: '/a' }, {});
  expect(result?.stat).toMatchObject({ islnk: true, isreg: false, lnk_target: 'a', lnk_source: '/a' });
  expect(result?.stat).not.toHaveProperty('checksum');
});

test('what is missing does not exist, and nothing is done', () => {
  const facts = { stat: null, checksum: null, realPath: null };
  expect(resource.plan({ path: '/a' }, facts, {}).result).toEqual({ stat: { exists: false } });
  expect(runCase(resource, { title: '', params: { dest: '/a' }, facts, expect: {} })).toEqual({ steps: [] });
});
