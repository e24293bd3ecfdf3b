import { isIP } from 'node:net';
import { HsmfleetError } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAlternativeNames, encodeAlternativeNames, formatAlternativeName, parseAlternativeNames } from './alternative-names.ts';
import { toDer } from './asn1.ts';

const read = (...texts: string[]): string[] => parseAlternativeNames(texts).map(formatAlternativeName);

describe('names as people write them', () => {
  test.each([
    ['DNS:www.example.org', ['DNS:www.example.org']],
    ['www.example.org', ['DNS:www.example.org']],
    ['localhost', ['DNS:localhost']],
    ['*.example.org', ['DNS:*.example.org']],
    ['*.Bücher.example', ['DNS:*.xn--bcher-kva.example']],
    ['例え.テスト', ['DNS:xn--r8jz45g.xn--zckzah']],
    ['192.0.2.1', ['IP:192.0.2.1']],
    ['IP:2001:DB8::0:1', ['IP:2001:db8::1']],
    ['::', ['IP:::']],
    ['::ffff:192.0.2.1', ['IP:::ffff:c000:201']],
    ['email:Root@bücher.example', ['email:Root@xn--bcher-kva.example']],
    ['URI:https://example.org/a,b', ['URI:https://example.org/a,b']],
    ['DNS:a.example,IP:192.0.2.1,DNS:a.example', ['DNS:a.example', 'IP:192.0.2.1']],
  ])('%s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    ['DNS:', 'it is empty'], ['', 'it is empty'], ['a..example', 'a label is empty'], ['example.org.', 'leave out a dot at the end'],
    ['www.*.example', 'a * may only be the whole first label'], ['w*.example', 'a * may only be'], ['*', 'a * may only be'], ['*.', 'a label is empty'],
    ['-a.example', 'no hyphen at its ends'], ['a b.example', 'a space'], ['a\tb.example', 'a space'], [`${'x'.repeat(64)}.example`, 'may have at most 63'],
    [`${'abcdefgh.'.repeat(29)}example`, 'may have at most 253'], ['1.2', 'like an address'], ['DNS:192.0.2.1', 'like an address'], ['\u00ad.example', 'a label is empty'], ['ü\ufffd.example', 'IDNA'],
    ['IP:192.0.2.256', 'no IPv4 or IPv6'], ['IP:192.0.2.0/24', 'no IPv4 or IPv6'], ['IP:fe80::1%eth0', 'no IPv4 or IPv6'], ['email:ü@example.org', 'plain ASCII'],
    ['email:example.org', 'no mail address'], ['URI:/relative', 'no absolute URI'], ['URI:https://ü/', 'no absolute URI'], ['dirName:x', 'no kind of name'],
  ])('%s is refused', (text, message) => {
    expect(() => read(text)).toThrowError(HsmfleetError);
    expect(() => read(text)).toThrowError(message);
  });
});

test('addresses are what Node takes for addresses', () => {
  const nearly = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.array(fc.constantFrom('1', '255', '256', '0', '01', '.', ':', '::', 'f', 'ffff', '12345'), { maxLength: 15 }).map((parts) => parts.join('')));
  const isAddress = (text: string): boolean => {
    try {
      return parseAlternativeNames([`IP:${text}`]).length === 1;
    } catch {
      return false;
    }
  };
  fc.assert(fc.property(nearly, (text) => { expect(isAddress(text)).toBe(isIP(text) !== 0); }), { numRuns: 1000 });
});

test('names survive encoding and decoding', () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/).filter((text) => !text.startsWith('xn--'));
  const dns = fc.tuple(fc.boolean(), fc.array(label, { minLength: 1, maxLength: 5 })).map(([isWildcard, labels]) => `DNS:${isWildcard ? '*.' : ''}${labels.join('.')}`);
  const name = fc.oneof(dns, fc.ipV4().map((ip) => `IP:${ip}`), fc.ipV6().map((ip) => `IP:${ip}`), fc.webUrl().map((url) => `URI:${url}`));
  fc.assert(fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (texts) => {
    const names = parseAlternativeNames(texts);
    expect(decodeAlternativeNames(toDer(encodeAlternativeNames(names)), 'it')).toEqual(names);
  }), { numRuns: 150 });
});

test('no text makes the reader fail otherwise than with a clear message', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }).map((text) => `IP:${text}`), fc.domain().map((text) => `ü${text}`)), (text) => {
    try {
      encodeAlternativeNames(parseAlternativeNames([text]));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(HsmfleetError);
    }
  }), { numRuns: 1000 });
});
