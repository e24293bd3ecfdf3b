import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWritableIntruder, parsePkcs11Txt } from './pkcs11-txt.ts';

const INTERNAL = `library=
name=NSS Internal PKCS #11 Module
parameters=configdir='sql:/etc/nss' certPrefix='' keyPrefix='' secmod='secmod.db' flags= updatedir='' 
NSS=Flags=internal,critical trustOrder=75 cipherOrder=100 slotParams=(1={slotFlags=[RSA,DSA,DH,RC2,RC4,DES,RANDOM,SHA1,MD5,MD2,SSL,TLS,AES,Camellia,SEED,SHA256,SHA512] askpw=any timeout=30})

`;

test('reads the internal module and one with blanks in its name', () => {
  const entries = parsePkcs11Txt(`${INTERNAL}\nlibrary=/usr/lib/libsc-hsm-pkcs11.so\nname=we ird\nNSS=  trustOrder=100 \n`);
  expect(entries.map(({ name, library, internal, enabled }) => ({ name, library, internal, enabled }))).toEqual([
    { name: 'NSS Internal PKCS #11 Module', library: '', internal: true, enabled: true },
    { name: 'we ird', library: '/usr/lib/libsc-hsm-pkcs11.so', internal: false, enabled: true },
  ]);
});

test('a module is disabled when all slots that it lists are', () => {
  const entry = (slots: string) => parsePkcs11Txt(`library=/x.so\nname=x\nNSS=slotParams={${slots}}\n`)[0];
  expect(entry('0x00000001=[slotFlags=Disable askpw=any ]')?.enabled).toBe(false);
  expect(entry('0x00000001=[slotFlags=Disable ] 0x00000002=[slotFlags=RSA,ECC ]')?.enabled).toBe(true);
});

test('knows the modules that make a token writable again', () => {
  expect(isWritableIntruder({ name: 'p11-kit-proxy', library: 'p11-kit-proxy.so' })).toBe(true);
  expect(isWritableIntruder({ name: 'card', library: '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so' })).toBe(true);
  expect(isWritableIntruder({ name: 'hsm', library: '/usr/lib/libsc-hsm-pkcs11.so' })).toBe(false);
});

test('never throws, whatever the file holds', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(parsePkcs11Txt(text))));
});

test('every stanza written comes back', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,20}[A-Za-z0-9]$/);
  fc.assert(
    fc.property(fc.array(fc.record({ name: word, library: word }), { minLength: 1, maxLength: 5 }), (modules) => {
      const text = modules.map((entry) => `library=${entry.library}\nname=${entry.name}\nNSS=trustOrder=100`).join('\n\n');
      expect(parsePkcs11Txt(text).map(({ name, library }) => ({ name, library }))).toEqual(modules);
    }),
  );
});
