import { expect, test } from 'vitest';
import { databaseDirectory, databaseKind } from './database.ts';
import { diagnoseNssTool } from './tool-result.ts';

test('puts the words of certutil and modutil into words of ours', () => {
  const wrong = diagnoseNssTool('certutil', 'certutil: could not authenticate to token NSS Certificate DB.: SEC_ERROR_BAD_PASSWORD: The security password entered is incorrect.');
  expect(wrong?.message).toBe('certutil: the password of the NSS database is wrong');
  expect(diagnoseNssTool('modutil', 'ERROR: Failed to add module "hsm". Probable cause : "Failure to load dynamic library".')?.hint).toContain('architecture');
  expect(diagnoseNssTool('modutil', 'something else')).toBeUndefined();
});

test('tells the kind of a database by its files', () => {
  expect(databaseKind(['cert9.db', 'key4.db', 'pkcs11.txt'])).toBe('sql');
  expect(databaseKind(['cert8.db', 'key3.db', 'secmod.db'])).toBe('dbm');
  expect(databaseKind(['cert9.db'])).toBe('partial');
  expect(databaseKind([])).toBe('none');
  expect(databaseKind(['web-cert9.db', 'web-key4.db'], 'web-')).toBe('sql');
});

test('sql: is a spelling, not a part of the path', () => {
  expect(databaseDirectory('sql:/etc/nss')).toBe('/etc/nss');
  expect(databaseDirectory('/etc/nss')).toBe('/etc/nss');
});
