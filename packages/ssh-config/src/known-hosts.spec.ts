import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { entriesForHost, fingerprintOf, judgeHostKey, keyTypeOf, knownHostsName, parseKnownHosts } from './known-hosts.ts';

/** A key blob of a type: its contents do not matter here. */
function key(type: string, contents: string): Buffer {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([length, name, Buffer.from(contents)]);
}
const ED = key('ssh-ed25519', 'one');
const ED2 = key('ssh-ed25519', 'two');
const RSA = key('ssh-rsa', 'one');
const line = (hosts: string, blob: Buffer): string => `${hosts} ${keyTypeOf(blob)} ${blob.toString('base64')} comment`;
const found = (text: string, host: string, port = 22, alias?: string): string[] => entriesForHost(parseKnownHosts(text, 'kh'), host, port, alias).map(({ hosts }) => hosts);

describe('parseKnownHosts', () => {
  it('reads markers and passes over comments, blank and broken lines', () => {
    const text = ['# comment', '', line('a,b', ED), `@revoked ${line('*', RSA)}`, `@cert-authority\t${line('*.x', RSA)}`, '@unknown a b c', 'half a-line'].join('\n');
    expect(parseKnownHosts(text, 'kh').map(({ line: at, marker, hosts }) => [at, marker, hosts])).toEqual([[3, undefined, 'a,b'], [4, 'revoked', '*'], [5, 'cert-authority', '*.x']]);
  });
});

describe('entriesForHost', () => {
  it('matches names, wildcards and exceptions whatever their case', () => {
    const text = [line('Web01,10.0.0.1', ED), line('*.example.org,!old.example.org', ED), line('web?', ED)].join('\n');
    expect(found(text, 'web01')).toEqual(['Web01,10.0.0.1']);
    expect(found(text, '10.0.0.1')).toEqual(['Web01,10.0.0.1']);
    expect(found(text, 'NEW.example.org')).toEqual(['*.example.org,!old.example.org']);
    expect(found(text, 'old.example.org')).toEqual([]);
    expect(found(text, 'webs')).toEqual(['web?']);
    expect(found('a.c ssh-ed25519 AAAA', 'abc')).toEqual([]);
  });

  it('takes an entry with the port first, one without it when there is none', () => {
    const both = [line('host', ED), line('[host]:2222', ED2)].join('\n');
    expect(found(both, 'host', 2222)).toEqual(['[host]:2222']);
    expect(found(both, 'host')).toEqual(['host']);
    expect(found(line('host', ED), 'host', 2222)).toEqual(['host']);
    expect(found(line('[host]:2222', ED), 'host')).toEqual([]);
  });

  it('finds hashed names, with their port too', () => {
    const salt = Buffer.from('0123456789abcdefghij');
    const hash = createHmac('sha1', salt).update(knownHostsName('Host', 2222)).digest('base64');
    const text = line(`|1|${salt.toString('base64')}|${hash}`, ED);
    expect(found(text, 'host', 2222)).toHaveLength(1);
    expect(found(text, 'host', 2223)).toHaveLength(0);
  });

  it('looks up an alias instead of name and port', () => {
    expect(found(line('the-alias', ED), 'host', 2222, 'The-Alias')).toEqual(['the-alias']);
  });
});

describe('judgeHostKey', () => {
  const judge = (text: string, shown: Buffer): unknown => judgeHostKey(parseKnownHosts(text, 'kh'), shown);

  it('knows, does not know, and tells a change by its own type first', () => {
    expect(judge(line('h', ED), ED)).toEqual({ status: 'known' });
    expect(judge('', ED)).toEqual({ status: 'unknown' });
    expect(judge([line('h', RSA), line('h', ED)].join('\n'), ED2)).toMatchObject({ status: 'changed', entry: { line: 2 } });
  });

  it('takes a key of another type for a change, as OpenSSH does', () => {
    expect(judge(line('h', RSA), ED)).toMatchObject({ status: 'changed', entry: { type: 'ssh-rsa' } });
  });

  it('lets revocation win', () => {
    expect(judge([line('h', ED), `@revoked ${line('h', ED)}`].join('\n'), ED)).toMatchObject({ status: 'revoked', entry: { line: 2 } });
    expect(judge([line('h', ED), `@revoked ${line('h', ED2)}`].join('\n'), ED)).toEqual({ status: 'known' });
  });

  it('does not trust an authority line as if it were a host key', () => {
    expect(judge(`@cert-authority ${line('h', ED)}`, ED)).toMatchObject({ status: 'unknown', authority: { line: 1 } });
  });
});

it('prints fingerprints as OpenSSH does', () => {
  expect(fingerprintOf(Buffer.from(''))).toBe('SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU');
});
