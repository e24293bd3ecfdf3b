import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createAccounts } from './accounts.ts';

const dir = mkdtempSync(join(tmpdir(), 'hsmfleet-accounts-'));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
const paths = { passwd: join(dir, 'passwd'), group: join(dir, 'group') };
writeFileSync(paths.passwd, 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:34::/var/www:/none\n+::::::\n\n');
writeFileSync(paths.group, 'root:x:0:\nweb:x:34:www-data\n');

test('names and numbers from the files, without asking', async () => {
  const asked: string[] = [];
  const accounts = createAccounts((database, key) => { asked.push(`${database} ${key}`); return Promise.resolve(undefined); }, paths);
  expect(await accounts.user('www-data')).toEqual({ name: 'www-data', id: 33, gid: 34, home: '/var/www' });
  expect(await accounts.userName(0)).toBe('root');
  expect(await accounts.groupName(34)).toBe('web');
  expect(await accounts.groupId('web')).toBe(34);
  expect(await accounts.groupId('77')).toBe(77);
  expect(asked).toEqual([]);
});

test('the name service is asked once for what the files do not hold; an unknown number stays a number', async () => {
  const asked: string[] = [];
  const accounts = createAccounts((database, key) => {
    asked.push(`${database} ${key}`);
    return Promise.resolve(key === 'ldap' ? 'ldap:*:5000:5000::/home/ldap:/bin/sh' : undefined);
  }, paths);
  expect((await accounts.user('ldap'))?.id).toBe(5000);
  expect((await accounts.user('ldap'))?.home).toBe('/home/ldap');
  expect(await accounts.userName(4711)).toBe('4711');
  expect(await accounts.groupId('nobody-knows')).toBeUndefined();
  expect(asked).toEqual(['passwd ldap', 'passwd 4711', 'group nobody-knows']);
});

test('an account made meanwhile is seen after forget()', async () => {
  const accounts = createAccounts(() => Promise.resolve(undefined), paths);
  expect(await accounts.groupId('late')).toBeUndefined();
  writeFileSync(paths.group, 'late:x:99:\n');
  accounts.forget();
  expect(await accounts.groupId('late')).toBe(99);
});
