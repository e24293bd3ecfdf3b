import { expect, test } from 'vitest';
import { hrefOf, matchPath, safeReturn } from './match-path.ts';

test('a segment with a colon takes any one segment, decoded', () => {
  expect(matchPath('/hosts/:host', '/hosts/web%2001')).toEqual({ host: 'web 01' });
  expect(matchPath('/', '/')).toEqual({});
  expect(matchPath('/runs/:run', '/runs/')).toBeUndefined();
  expect(matchPath('/runs/:run', '/hosts/x')).toBeUndefined();
  expect(matchPath('/hosts/:host', '/hosts/%E0%A4%A')).toBeUndefined();
});

test('an address made of parameters leads back to them', () => {
  const host = 'a/b ?ü#';
  expect(matchPath('/hosts/:host', new URL(hrefOf('/hosts/:host', { host }), 'http://x').pathname)).toEqual({ host });
  expect(hrefOf('/hosts', {}, { search: 'a&b', state: '', outcome: undefined })).toBe('/hosts?search=a%26b');
});

test('after a login nobody is led away from here', () => {
  expect(safeReturn('/runs/1?x=2')).toBe('/runs/1?x=2');
  for (const bad of ['https://example.org/', '//example.org/', '/\\example.org', 'javascript:alert(1)', '/login', null, undefined]) {
    expect(safeReturn(bad)).toBe('/');
  }
});
