import type { HostFacts } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { hashInputs } from './inputs-hash.ts';
import type { SourcePackageParams } from './schema.ts';

const facts = { distribution: 'Debian', distribution_major_version: '12', architecture: 'x86_64', hostname: 'a' } as HostFacts;
const params: SourcePackageParams = { name: 'x', version: '1.0', directory: '/usr/src/x' };
const hash = (more: Partial<SourcePackageParams> = {}, host: Partial<HostFacts> = {}, source = 'aa'): string =>
  hashInputs({ ...params, ...more }, source, 'deb', { ...facts, ...host });

test('all that decides what is built decides the hash', () => {
  const changed = [
    hash({ version: '1.1' }), hash({ revision: '2' }), hash({ name: 'y' }), hash({ configure: ['--a'] }), hash({ configure: ['--a', '--b'] }), hash({ prefix: '/opt' }),
    hash({ regenerate: 'no' }), hash({ build_depends: ['a'] }), hash({ depends: ['a'] }), hash({ conffiles: ['/a'] }), hash({ summary: 's' }), hash({ maintainer: 'a <a@b>' }),
    hash({}, { distribution: 'Ubuntu' }), hash({}, { distribution_major_version: '13' }), hash({}, { architecture: 'aarch64' }), hash({}, {}, 'bb'),
    hashInputs(params, 'aa', 'rpm', facts),
  ];
  expect(new Set([hash(), ...changed]).size).toBe(changed.length + 1);
});

test('what does not decide it leaves the hash alone: where it lies, who builds, how long it may take, defaults that are written out', () => {
  expect(hash({ directory: '/elsewhere', build_user: 'root', timeout: 5, revision: '1', prefix: '/usr', regenerate: 'auto', configure: [] }, { hostname: 'b' })).toBe(hash());
});
