import { expect, it } from 'vitest';
import { chooseAlgorithms } from './algorithms.ts';

const entry = (type: string, marker?: 'revoked') => ({ file: 'kh', line: 1, marker, hosts: 'h', type, key: '' });

it('asks first for the key types known_hosts has', () => {
  expect(chooseAlgorithms([]).offer.serverHostKey).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256']);
  expect((chooseAlgorithms([entry('ssh-rsa')]).offer.serverHostKey as string[]).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
  expect((chooseAlgorithms([entry('ssh-rsa', 'revoked')]).offer.serverHostKey as string[])[0]).toBe('ssh-ed25519');
});

it('never offers SHA-1 or CBC', () => {
  expect(JSON.stringify(chooseAlgorithms([entry('ssh-rsa')]))).not.toMatch(/"ssh-rsa"|sha1|cbc/);
});

it('leaves out what the configuration leaves out, and takes its order then', () => {
  const { offer, lacking } = chooseAlgorithms([], { ciphers: ['aes256-ctr', 'aes256-gcm@openssh.com'], hostKeys: ['rsa-sha2-256', 'ssh-ed25519-cert-v01@openssh.com'] });
  expect(offer.cipher).toEqual(['aes256-ctr', 'aes256-gcm@openssh.com']);
  expect(offer.serverHostKey).toEqual(['rsa-sha2-256']);
  expect(lacking).toBeUndefined();
});

it('says where nothing is left', () => {
  expect(chooseAlgorithms([], { kex: ['sntrup761x25519-sha512'] }).lacking).toEqual({ kind: 'key exchange', wanted: ['sntrup761x25519-sha512'] });
  expect(chooseAlgorithms([], { macs: ['umac-64@openssh.com'] }).lacking?.kind).toBe('MAC');
});
