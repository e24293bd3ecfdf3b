import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, Secret, SECRET_MASK } from './index.ts';

/** PINs and passwords: no line breaks, all that a keyboard has. */
const secrets = fc.string({ unit: fc.constantFrom(...'abcXYZ0123456789 \'"\\$`&<>%+/=?#{}[]()*!;:,.@~|^-_üß€'), minLength: 6, maxLength: 24 }).filter((text) => new Set(text).size > 3);
const around = fc.string({ maxLength: 5 });

const html = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
/** How a secret gets into texts, and how it is read from them again. */
const FORMS: [string, (secret: string) => string][] = [
  ['as it is', (secret) => secret],
  ['JSON', (secret) => JSON.stringify({ a: secret })],
  ['JSON in JSON', (secret) => JSON.stringify(JSON.stringify({ a: secret }))],
  ['a part of an address', (secret) => `https://h/?q=${encodeURIComponent(secret)}`],
  ['a form', (secret) => new URLSearchParams({ q: secret }).toString()],
  ['a URL object', (secret) => new URL(`https://h/?q=${encodeURIComponent(secret)}`).href],
  ['base64', (secret) => Buffer.from(secret).toString('base64')],
  ['base64url', (secret) => Buffer.from(secret).toString('base64url')],
  ['base64 with a line break after it', (secret) => Buffer.from(`${secret}\n`).toString('base64')],
  ['a login of HTTP', (secret) => `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`],
  ['hex', (secret) => Buffer.from(secret).toString('hex')],
  ['hex in capitals', (secret) => Buffer.from(secret).toString('hex').toUpperCase()],
  ['HTML', html],
  ["a shell's single quotes", (secret) => `'${secret.replaceAll("'", "'\\''")}'`],
  ["a shell's double quotes", (secret) => `"${secret.replace(/["\\$`]/g, '\\$&')}"`],
  ['single quotes of YAML', (secret) => `'${secret.replaceAll("'", "''")}'`],
];

describe('a secret', () => {
  test.each(FORMS)('is not left in %s', (_name, write) => {
    fc.assert(fc.property(secrets, around, around, (secret, before, after) => {
      const text = createRedactor([secret]).text(`${before} ${write(secret)} ${after}`);
      expect(text).toContain(SECRET_MASK);
      // what is left is what stands around it, and of base64 the letters that it shares with its neighbours
      expect(text.replaceAll(SECRET_MASK, '').length).toBeLessThanOrEqual(`${before} ${write('')} ${after}`.length + 4);
    }), { numRuns: 60 });
  });

  test('in what printf %q of a shell and repr of Python make of it', () => {
    for (const secret of ["it's $5 & more", 'a"b`c\\d e', 'grün: {x}|y']) {
      const redactor = createRedactor([secret]);
      const quoted = execFileSync('bash', ['-c', 'printf %q "$(cat)"'], { input: secret, encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } });
      expect(redactor.text(quoted)).toBe(SECRET_MASK);
      expect(redactor.text(inspect(secret, { breakLength: 500 })).slice(1, -1)).toBe(SECRET_MASK);
    }
  });

  test('that overlaps another leaves no end of either', () => {
    const redactor = createRedactor(['12345678', '78901234', '5678']);
    expect(redactor.text('<123456789012345678>')).toBe(`<${SECRET_MASK}5678>`.replace('5678', SECRET_MASK).replace(`${SECRET_MASK}${SECRET_MASK}`, SECRET_MASK));
    expect(redactor.text('no secret')).toBe('no secret');
  });

  test('of many lines is looked for line by line, PINs of a PIN file without their token', () => {
    const redactor = createRedactor(['web:648219\nother:777777\n', '-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----\n']);
    expect(redactor.text('648219 web MIIBVgIBADANBg -----BEGIN KEY-----')).toBe(`${SECRET_MASK} web ${SECRET_MASK} -----BEGIN KEY-----`);
  });

  test('is masked in keys, lists and as a Secret; short ones are left to their type', () => {
    const redactor = createRedactor([new Secret('648219'), '123']);
    expect(redactor.value({ 'x648219': [new Secret('ab'), 'p648219', 123, null] })).toEqual({ [`x${SECRET_MASK}`]: [SECRET_MASK, `p${SECRET_MASK}`, 123, null] });
    expect(redactor.text('123')).toBe('123');
  });

  test('of the size of a file costs no more than looking for it', () => {
    const redactor = createRedactor([Buffer.alloc(3_000_000, 'abc').toString('base64')]);
    const started = performance.now();
    for (let count = 0; count < 1_000; count += 1) redactor.text('a line of a log');
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
