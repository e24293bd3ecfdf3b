import { expect, it } from 'vitest';
import { chooseAlgorithms } from './algorithms.ts';

const entry = (type: string, marker?: 'revoked') => ({ file: 'kh', line: 1, marker, hosts: 'h', type, key: '' });

it('asks first for the key types known_hosts has', () => {
  expect(chooseAlgorithms([]).serverHostKey).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256']);
  expect((chooseAlgorithms([entry('ssh-rsa')]).serverHostKey as string[]).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
  expect((chooseAlgorithms([entry('ssh-rsa', 'revoked')]).serverHostKey as string[])[0]).toBe('ssh-ed25519');
});

it('never offers SHA-1 or CBC', () => {
  expect(JSON.stringify(chooseAlgorithms([entry('ssh-rsa')]))).not.toMatch(/"ssh-rsa"|sha1|cbc/);
});
