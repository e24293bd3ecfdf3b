import { expect, it } from 'vitest';
import { parseSshArgs, reachingWords, splitConfigWords } from './ssh-args.ts';

it('reads options in all of their spellings', () => {
  const args = parseSshArgs(['-F', '/dev/null', '-oPort=2222', '-o', 'User alice', '-o', 'UserKnownHostsFile = a b', '-iid_a', '-i', 'id_b', '-J', 'jump', '-4', '-vvv']);
  expect(args.configFile).toBe('/dev/null');
  expect(Object.fromEntries(args.options)).toEqual({ port: ['2222'], user: ['alice'], userknownhostsfile: ['a b'], identityfile: ['id_a', 'id_b'], proxyjump: ['jump'], addressfamily: ['inet'] });
  expect(args.foreign).toBe(false);
});

it('takes the first value of an option, as OpenSSH does', () => {
  expect(parseSshArgs(['-p', '1', '-o', 'Port=2']).options.get('port')).toEqual(['1']);
});

it.each([[['-W', 'a:1']], [['-o', 'CanonicalDomains=x']], [['host']], [['-o', 'nonsense']], [['-vD', '1']]])('leaves %j to OpenSSH', (words) => {
  expect(parseSshArgs(words).foreign).toBe(true);
});

it('splits configuration values at blanks outside of quotes', () => {
  expect(splitConfigWords('a "b c"\td')).toEqual(['a', 'b c', 'd']);
});

it('hands on only what says how a host is reached', () => {
  const given = ['-F', 'cfg', '-oPort=2', '-f', '-N', '-L', '1:a:2', '-4', '-J', 'hop', '-o', 'User=x', '-vv', '-i', 'key', 'other.example.org'];
  expect(reachingWords(given)).toEqual({ words: ['-F', 'cfg', '-oPort=2', '-4', '-o', 'User=x', '-i', 'key'], stray: ['other.example.org'] });
});

it('leaves lists that build on those of OpenSSH to OpenSSH', () => {
  expect(parseSshArgs(['-o', 'Ciphers=aes256-ctr']).foreign).toBe(false);
  expect(parseSshArgs(['-o', 'Ciphers=-aes128-ctr']).foreign).toBe(true);
});
