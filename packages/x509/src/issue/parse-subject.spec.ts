import { HsmfleetError } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toDer } from './asn1.ts';
import { decodeName, encodeName, formatName, type Name } from './name.ts';
import { parseSubject } from './parse-subject.ts';

const flat = (name: Name): string[] => name.map((relative) => relative.map(({ oid, value }) => `${oid}=${String(value)}`).join('+'));

function problemOf(text: string): HsmfleetError {
  try {
    parseSubject(text);
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return thrown;
    throw thrown;
  }
  throw new Error(`"${text}" was read`);
}

describe("OpenSSL's form", () => {
  test.each([
    ['/C=DE/O=Example/CN=www.example.org', ['2.5.4.6=DE', '2.5.4.10=Example', '2.5.4.3=www.example.org']],
    ['/O=A\\/B/CN=x', ['2.5.4.10=A/B', '2.5.4.3=x']],
    ['/O=back\\\\slash/CN=C\\+\\+', ['2.5.4.10=back\\slash', '2.5.4.3=C++']],
    ['/DC=org/DC=example/UID=1+CN=John Doe', ['0.9.2342.19200300.100.1.25=org', '0.9.2342.19200300.100.1.25=example', '0.9.2342.19200300.100.1.1=1+2.5.4.3=John Doe']],
    ['/O=a=b, c ', ['2.5.4.10=a=b, c ']],
    ['/1.2.3.4=v/OID.2.5.4.3=Grüße 🔑', ['1.2.3.4=v', '2.5.4.3=Grüße 🔑']],
    ['/', []],
    ['', []],
  ])('%s', (text, expected) => {
    expect(flat(parseSubject(text))).toEqual(expected);
  });

  test.each([
    ['/O=A/B/CN=x', 5, 'what follows "/" has no "="', 'write \\/'],
    ['/CN=http://x', 10, 'what follows "/" has no "="', 'write \\/'],
    ['/CN=C++', 6, 'what follows "+" has no "="', 'write \\+'],
    ['/O=A/B=C/CN=x', 6, '"B" is no kind of attribute', 'write \\/'],
    ['/O=AC/DC', 6, 'what follows "/" has no "="', 'write \\/'],
    ['/C=DEU/CN=x', 4, 'C has 3 characters, but must have 2', undefined],
    ['/C=1_/CN=x', 4, 'may hold only letters', undefined],
    ['/CN=', 5, 'CN has no value', undefined],
    ['/CN=a\\', 6, 'a \\ stands at the end', undefined],
    ['/CN=a\nb', 6, 'a control character', undefined],
    [`/CN=${'x'.repeat(65)}`, 5, 'CN has 65 characters, but may have at most 64', undefined],
    ['/emailAddress=ü@example.org', 15, 'may hold only ASCII', undefined],
    ['//CN=x', 1, 'what follows "/" has no "="', undefined],
  ])('%s is refused at its column', (text, column, message, hint) => {
    const problem = problemOf(text);
    expect(problem.code).toBe('NAME_INVALID');
    expect(problem.details).toEqual({ column });
    expect(problem.message).toContain(`column ${column}: `);
    expect(problem.message).toContain(message);
    if (hint !== undefined) expect(problem.hint).toContain(hint);
  });
});

describe('RFC 4514', () => {
  test.each([
    ['CN=www.example.org,O=Example,C=DE', ['2.5.4.6=DE', '2.5.4.10=Example', '2.5.4.3=www.example.org']],
    ['UID=jsmith,DC=example,DC=net', ['0.9.2342.19200300.100.1.25=net', '0.9.2342.19200300.100.1.25=example', '0.9.2342.19200300.100.1.1=jsmith']],
    ['OU=Sales+CN=J.  Smith,DC=example', ['0.9.2342.19200300.100.1.25=example', '2.5.4.11=Sales+2.5.4.3=J.  Smith']],
    ['CN=James \\"Jim\\" Smith\\, III', ['2.5.4.3=James "Jim" Smith, III']],
    ['CN=Before\\0dAfter', ['2.5.4.3=Before\rAfter']],
    ['CN=Lu\\C4\\8Di\\C4\\87', ['2.5.4.3=Lučić']],
    ['CN=\\ padded\\ ', ['2.5.4.3= padded ']],
    ['cn = spaced , o = Out ', ['2.5.4.10=Out', '2.5.4.3=spaced']],
    ['CN=a/b', ['2.5.4.3=a/b']],
  ])('%s', (text, expected) => {
    expect(flat(parseSubject(text))).toEqual(expected);
  });

  test('#hex is taken as bytes', () => {
    expect(parseSubject('1.3.6.1.4.1.1466.0=#04024869')).toEqual([[{ oid: '1.3.6.1.4.1.1466.0', value: Buffer.from('04024869', 'hex') }]]);
  });

  test.each([
    ['CN=a,', 6, 'an attribute is missing'],
    ['CN=a,b', 6, '"b" has no "="'],
    ['X=a', 1, '"X" is no kind of attribute'],
    ['CN="quoted"', 4, 'a " must be escaped'],
    ['CN=a\\zb', 5, '\\z is no escape'],
    ['CN=#04', 4, 'malformed'],
    ['CN=#0', 4, 'pairs of hexadecimal digits'],
    ['CN=\\ff', 4, 'not UTF-8'],
    ['CN=\\00', 4, 'NUL'],
    ['www.example.org', 1, 'has no "="'],
  ])('%s is refused at its column', (text, column, message) => {
    const problem = problemOf(text);
    expect(problem.details).toEqual({ column });
    expect(problem.message).toContain(message);
  });
});

const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }).filter((text) => !text.includes('\0') && [...text].length <= 64);
const attribute = fc.record({ oid: fc.constantFrom('2.5.4.3', '2.5.4.10', '2.5.4.11', '2.5.4.7', '1.2.3.4'), value });
const names = fc.array(fc.uniqueArray(attribute, { minLength: 1, maxLength: 2, selector: ({ oid }) => oid }), { maxLength: 5 });

test('what is printed is read again, whatever it holds', () => {
  fc.assert(fc.property(names, (name) => {
    const der = toDer(encodeName(name));
    expect(toDer(encodeName(parseSubject(formatName(name))))).toEqual(der);
    expect(formatName(decodeName(encodeName(name), 'it'))).toBe(formatName(decodeName(encodeName(parseSubject(formatName(name))), 'it')));
  }), { numRuns: 300 });
});

test("OpenSSL's form holds any value without control characters, once escaped", () => {
  const plain = value.filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), (values) => {
    const text = values.map((part) => `/O=${part.replaceAll(/[\\/+]/g, '\\$&')}`).join('');
    expect(parseSubject(text).map(([first]) => first?.value)).toEqual(values);
  }), { numRuns: 300 });
});

test('no text makes the reader fail otherwise than with a clear message', () => {
  const nearly = fc.array(fc.constantFrom('/', '+', ',', '=', '\\', '#', '"', ' ', 'CN', 'C', 'O', '04', 'ü', '\ud800', '\n', ';', '2.5.4.3', '9.9'), { maxLength: 14 }).map((parts) => parts.join(''));
  fc.assert(fc.property(fc.oneof(nearly, fc.string({ unit: 'binary' })), (text) => {
    try {
      encodeName(parseSubject(text));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(HsmfleetError);
    }
  }), { numRuns: 2000 });
});
