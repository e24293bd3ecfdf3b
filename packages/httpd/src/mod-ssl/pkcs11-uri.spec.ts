import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderOpensslConfig } from './openssl-config.ts';
import { parseKeyUri, renderKeyUri } from './pkcs11-uri.ts';

test('a key by ID, its PIN in a file', () => {
  expect(renderKeyUri({ token: 'fleet-web01', id: '03', pinFile: '/etc/hsm/pin' })).toBe('pkcs11:token=fleet-web01;id=%03;type=private?pin-source=file:/etc/hsm/pin');
});

test('everything but unreserved characters is encoded', () => {
  expect(renderKeyUri({ token: 'My Token; é?', object: 'a/b&c', pinFile: '/etc/my pin/$x' })).toBe(
    'pkcs11:token=My%20Token%3B%20%C3%A9%3F;object=a%2Fb%26c;type=private?pin-source=file:/etc/my%20pin/%24x',
  );
  expect(renderKeyUri({ token: 't', id: '61ff0a' })).toBe('pkcs11:token=t;id=%61%FF%0A;type=private');
});

test.each([
  ['pkcs11:token=T;id=%02;type=private?pin-value=648219', undefined, 'pkcs11:token=T;id=%02;type=private'],
  ['pkcs11:token=T;object=L;pin-value=648219', undefined, 'pkcs11:token=T;object=L'],
  ['pkcs11:token=T?pin-source=file:/etc/pin&module-name=x', '/etc/pin', 'pkcs11:token=T'],
  ['pkcs11:token=T?pin-source=file:///etc/pin', '/etc/pin', 'pkcs11:token=T'],
  ['PKCS11:token=T?pin-source=/etc/my%20pin', '/etc/my pin', 'pkcs11:token=T'],
  ['pkcs11:token=T?pin-source=|/bin/prog', undefined, 'pkcs11:token=T'],
])('%s is shown without its PIN', (uri, pinFile, shown) => {
  const parsed = parseKeyUri(uri);
  expect(parsed).toMatchObject({ pinFile, shown });
  expect(JSON.stringify(parsed)).not.toContain('648219');
});

test('a file is no URI', () => {
  expect(parseKeyUri('/etc/ssl/key.pem')).toBeUndefined();
});

test('whatever is rendered is read back', () => {
  const hex = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 32 }).filter((value) => Buffer.from(value).toString() === value);
  fc.assert(
    fc.property(text, hex, text, (token, id, file) => {
      const pinFile = `/${file.replaceAll('/', '')}`;
      const uri = renderKeyUri({ token, id, pinFile });
      expect(uri).toMatch(/^[\x21-\x7e]+$/);
      expect(uri).not.toMatch(/["'\\$\s]/);
      expect(parseKeyUri(uri)).toMatchObject({ path: { token, id, type: 'private' }, pinFile });
    }),
  );
});

test('no text makes the parser throw', () => {
  fc.assert(fc.property(fc.string(), (text) => { parseKeyUri(`pkcs11:${text}`); }));
});

test('openssl.cnf of the engine', () => {
  expect(renderOpensslConfig({ bridge: 'engine', module: '/usr/lib/m.so' })).toBe(`# Managed by hsmfleet: changes by hand are overwritten.
openssl_conf = hsmfleet_init

[hsmfleet_init]
engines = hsmfleet_engines
ssl_conf = hsmfleet_ssl

[hsmfleet_engines]
pkcs11 = hsmfleet_pkcs11

[hsmfleet_pkcs11]
engine_id = pkcs11
MODULE_PATH = /usr/lib/m.so
init = 0

[hsmfleet_ssl]
system_default = hsmfleet_policy

[hsmfleet_policy]
MinProtocol = TLSv1.2
CipherString = DEFAULT:@SECLEVEL=2
`);
});

test('openssl.cnf of the provider, with the system policy of RedHat', () => {
  const text = renderOpensslConfig({ bridge: 'provider', module: '/m.so', provider: '/p.so', pinFile: '/etc/pin', cryptoPolicy: '/etc/crypto-policies/x.config' });
  expect(text).toContain('[hsmfleet_pkcs11]\nmodule = /p.so\npkcs11-module-token-pin = file:/etc/pin\npkcs11-module-path = /m.so\nactivate = 1\n');
  expect(text).toContain('[hsmfleet_default]\nactivate = 1\n');
  expect(text).toContain('[hsmfleet_policy]\n.include = /etc/crypto-policies/x.config\n');
  expect(text).not.toContain('engine');
});
