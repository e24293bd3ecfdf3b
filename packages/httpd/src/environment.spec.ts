import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEnvironment, writeEnvironment } from './environment.ts';
import { readEnvvars, withLine, withoutLine } from './layout.ts';

const ENVVARS = 'unset HOME\nexport APACHE_RUN_USER=www-data\nexport APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\n';

test('a block at the end of envvars, merged with what other sites need', () => {
  const once = writeEnvironment(ENVVARS, 'envvars', { OPENSSL_CONF: '/etc/x.cnf' });
  const twice = writeEnvironment(once, 'envvars', { P11_KIT_SERVER_ADDRESS: "unix:path=/run/it's" });
  expect(twice).toBe(`${ENVVARS}# BEGIN hsmfleet: changes between these lines are overwritten
export OPENSSL_CONF='/etc/x.cnf'
export P11_KIT_SERVER_ADDRESS='unix:path=/run/it'\\''s'
# END hsmfleet
`);
  expect(writeEnvironment(twice, 'envvars', { OPENSSL_CONF: '/etc/x.cnf' })).toBe(twice);
  expect(writeEnvironment(twice, 'envvars', { OPENSSL_CONF: undefined, P11_KIT_SERVER_ADDRESS: undefined })).toBe(ENVVARS);
});

test('a systemd drop-in', () => {
  const text = writeEnvironment('', 'systemd', { B: 'a"b\\c%d', A: '1' });
  expect(text).toBe('# Managed by hsmfleet: changes by hand are overwritten.\n[Service]\nEnvironment="A=1"\nEnvironment="B=a\\"b\\\\c%%d"\n');
  expect(writeEnvironment(text, 'systemd', { A: undefined, B: undefined })).toBe('');
});

test.each(['envvars', 'systemd'] as const)('%s: what is written is read back, and written again the same', (style) => {
  const value = fc.string({ maxLength: 40 }).filter((text) => !/[\n\r]/.test(text));
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/), value, { maxKeys: 4, noNullPrototype: true }), (wanted) => {
    const text = writeEnvironment(style === 'envvars' ? ENVVARS : '', style, wanted);
    expect(readEnvironment(text, style)).toEqual(wanted);
    expect(writeEnvironment(text, style, wanted)).toBe(text);
  }));
});

test("Debian's variables", () => {
  expect(readEnvvars(`${ENVVARS}export A='b c'\nexport LANG\n`)).toEqual({ APACHE_RUN_USER: 'www-data', APACHE_PID_FILE: '/var/run/apache2/apache2.pid', A: 'b c' });
});

test('lines', () => {
  expect(withLine('a', 'b')).toBe('a\nb\n');
  expect(withLine('a\nb\n', 'b')).toBe('a\nb\n');
  expect(withoutLine('a\nb\nc\n', 'b')).toBe('a\nc\n');
});
