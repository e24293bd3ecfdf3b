import { HsmfleetError } from '@hsmfleet/contract';
import { describe, expect, test } from 'vitest';
import { NSS_CIPHERS, NSS_CIPHER_ALIASES } from './ciphers.ts';
import { nssDirective, NSS_DIRECTIVES } from './directives.ts';
import { ASSUMED_MOD_NSS, detectModNss, glanceAtModNss, knowsCipher, knowsDirective, type ModNss } from './module.ts';
import { checkCiphers, checkProtocols, defaultCiphers, defaultProtocols } from './suites.ts';

const newer: ModNss = { patch: 17, source: 'package', tls13: true };
const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(HsmfleetError);
    expect((thrown as HsmfleetError).code).toBe('PARAMS_INVALID');
    return (thrown as HsmfleetError).message;
  }
  throw new Error('was not refused');
};
/** A shared library as far as its string constants go. */
const binary = (...constants: string[]): Uint8Array => Buffer.from(`\x7fELF\0\x01${constants.join('\0')}\0\xff`, 'latin1');

describe('protocols', () => {
  test.each([
    [ASSUMED_MOD_NSS, ['TLSv1.2'], 'TLSv1.2'],
    [ASSUMED_MOD_NSS, ['tlsv1.2', 'TLSv1.1'], 'TLSv1.1,TLSv1.2'],
    [newer, ['TLSv1.3', 'TLSv1.2'], 'TLSv1.2,TLSv1.3'],
    [newer, ['TLSv1.3'], 'TLSv1.3'],
  ])('%# are written in order, with commas and no blanks', (module, protocols, expected) => {
    expect(checkProtocols(module, protocols)).toBe(expected);
  });

  test.each([
    ['TLSv1.3 on 1.0.14, which would serve TLS 1.0', ASSUMED_MOD_NSS, ['TLSv1.3'], 'not known to have TLSv1.3'],
    ['the same beside TLSv1.2', ASSUMED_MOD_NSS, ['TLSv1.2', 'TLSv1.3'], 'not known to have TLSv1.3'],
    ['holes', newer, ['TLSv1.1', 'TLSv1.3'], 'without holes'],
    ['a blank that would become part of the name', newer, [' TLSv1.2'], 'no protocol " TLSv1.2"'],
    ['signs of mod_ssl', newer, ['+TLSv1.2'], 'no protocol "+TLSv1.2"'],
    ['"all", which is a substring match', newer, ['all'], 'no protocol "all"'],
    ['SSLv3', newer, ['SSLv3'], 'broken'],
    ['SSLv2', newer, ['SSLv2'], 'no protocol'],
    ['none', newer, [], 'no protocol is given'],
  ])('refuses %s', (_title, module, protocols, message) => {
    expect(refusal(() => checkProtocols(module, protocols))).toContain(message);
  });

  test('defaults never name what the module may not have', () => {
    expect(defaultProtocols(ASSUMED_MOD_NSS)).toEqual(['TLSv1.2']);
    expect(defaultProtocols(newer)).toEqual(['TLSv1.2', 'TLSv1.3']);
  });
});

describe('ciphers', () => {
  test('names are unique, and every alias leads to a name', () => {
    const names = NSS_CIPHERS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of Object.values(NSS_CIPHER_ALIASES)) expect(names).toContain(name);
  });

  test('groups follow from what has to be compiled in', () => {
    const groups = (name: string): readonly string[] => NSS_CIPHERS.find((cipher) => cipher.name === name)?.groups ?? [];
    expect(groups('rsa_aes_128_sha')).toEqual(['base']);
    expect(groups('rsa_aes_256_gcm_sha_384')).toEqual(['gcm', 'sha384']);
    expect(groups('ecdhe_rsa_aes_128_gcm_sha_256')).toEqual(['ecc', 'gcm']);
    expect(groups('dhe_rsa_chacha20_poly1305_sha_256')).toEqual(['dhe', 'chacha']);
  });

  test('defaults of an unknown build avoid the groups that Debian builds lack, and hold no broken cipher', () => {
    const ciphers = defaultCiphers(ASSUMED_MOD_NSS);
    expect(ciphers).toContain('ecdhe_rsa_aes_128_sha_256');
    expect(ciphers.join()).not.toMatch(/gcm|chacha|384|dhe_rsa_aes_128_sha_256,dhe/);
    for (const name of ciphers) expect(NSS_CIPHERS.find((cipher) => cipher.name === name)?.insecure).toBe(false);
  });

  test.each(['rsa', 'ec'])('defaults work with a key of type %s', (type) => {
    expect(checkCiphers(ASSUMED_MOD_NSS, defaultCiphers(ASSUMED_MOD_NSS), type).suite).toMatch(/^\+\w+(,\+\w+)+$/);
  });

  test('one name alone gets a comma, without which it would be read as an OpenSSL string', () => {
    expect(checkCiphers(ASSUMED_MOD_NSS, ['rsa_aes_128_sha'], 'rsa').suite).toBe('+rsa_aes_128_sha,-rsa_null_md5');
  });

  test('old spellings are written anew, and told', () => {
    expect(checkCiphers(newer, ['+camelia_128_sha'], 'rsa')).toEqual({ suite: '+camellia_128_sha,-rsa_null_md5', warnings: ['cipher "camelia_128_sha" is an old spelling of "camellia_128_sha"'] });
  });

  test.each([
    ['a name that no mod_nss knows', ['rsa_aes_128'], 'rsa', 'knows no cipher "rsa_aes_128"'],
    ["OpenSSL's spelling", ['ECDHE-RSA-AES128-GCM-SHA256'], 'rsa', 'knows no cipher'],
    ['what is not compiled in', ['ecdhe_rsa_aes_128_gcm_sha_256'], 'rsa', 'does not have cipher'],
    ['a broken one', ['rsa_rc4_128_md5'], 'rsa', 'is broken'],
    ['RC4 under a name that hides it', ['ecdh_rsa_128_sha'], 'rsa', 'is broken'],
    ['none that works with the key', ['ecdhe_rsa_aes_128_sha'], 'ec', 'none of the ciphers works'],
    ['only switched-off ones', ['-rsa_aes_128_sha'], 'rsa', 'none of the ciphers works'],
  ])('refuses %s', (_title, ciphers, type, message) => {
    expect(refusal(() => checkCiphers(ASSUMED_MOD_NSS, ciphers, type))).toContain(message);
  });
});

describe('detection', () => {
  test('nothing known is taken for plain 1.0.14', () => {
    expect(detectModNss()).toEqual({ patch: 14, source: 'assumed', tls13: false });
    expect(detectModNss(binary('unrelated'))).toMatchObject({ patch: 14, source: 'assumed', tls13: false });
  });

  test("Apache's version in mod_nss's name is not believed", () => {
    expect(detectModNss(binary('mod_nss/2.4.6', 'NSSEngine', 'NSSSkipPermissionCheck', 'NSSOCSPTimeout'))).toMatchObject({ patch: 14, tls13: false });
    expect(detectModNss(binary('mod_nss/1.0.17', 'NSSEngine', 'tlsv1.3'))).toMatchObject({ patch: 17, tls13: true, source: 'binary' });
  });

  test('a glance finds the same as a look at every constant', () => {
    const glance = (...constants: string[]) => glanceAtModNss(Buffer.from(`\0${constants.join('\0')}\0`, 'latin1'));
    expect(glance('unrelated', '%s:  Enabling TLSv1.3', 'mod_nss/2.4.6')).toEqual({ tls13: false, version: null });
    expect(glance('mod_nss/1.0.17', 'NSSEngine', 'tlsv1.3')).toEqual({ tls13: true, version: '1.0.17' });
  });

  test('the package says more than the binary', () => {
    expect(detectModNss(undefined, '1.0.14-12.el7')).toEqual({ patch: 14, source: 'package', tls13: false });
    expect(detectModNss(undefined, '1:1.0.17-3.fc39').patch).toBe(17);
  });

  test('directives and groups of ciphers are those in the binary', () => {
    // as a linker stores them: names that end longer ones are not there by themselves
    const module = detectModNss(binary('NSSEngine', 'NSSOCSPTimeout', 'ecdhe_rsa_aes_128_sha', 'ecdhe_rsa_aes_128_gcm_sha_256', '%s:  Enabling TLSv1.3'));
    expect(knowsCipher(module, 'ecdhe_rsa_aes_128_gcm_sha_256')).toBe(true);
    expect(knowsCipher(module, 'rsa_aes_128_gcm_sha_256')).toBe(true);
    expect(knowsCipher(module, 'aes_128_sha_256')).toBe(true);
    expect(knowsCipher(module, 'dhe_rsa_aes_128_sha')).toBe(false);
    expect(knowsCipher(module, 'rsa_aes_256_gcm_sha_384')).toBe(false);
    expect(knowsCipher(module, 'aes_128_gcm_sha_256')).toBe(false);
    expect(module.tls13).toBe(false);
    expect(knowsDirective(module, 'NSSOCSPTimeout')).toBe(true);
    expect(knowsDirective(module, 'NSSSNI')).toBe(false);
  });

  test('without a binary, directives are known by version', () => {
    expect(knowsDirective(ASSUMED_MOD_NSS, 'NSSSNI')).toBe(true);
    expect(knowsDirective(ASSUMED_MOD_NSS, 'NSSOCSPTimeout')).toBe(false);
    expect(knowsDirective(ASSUMED_MOD_NSS, 'NSSECCNickname')).toBe(false);
    expect(knowsDirective({ patch: 10, source: 'package', tls13: false }, 'NSSSNI')).toBe(false);
    expect(knowsDirective(ASSUMED_MOD_NSS, 'NSSHonorCipherOrder')).toBe(false);
  });

  test('directives are found whatever their case', () => {
    expect(nssDirective('nssengine')?.name).toBe('NSSEngine');
    expect(nssDirective('SSLEngine')).toBeUndefined();
    expect(NSS_DIRECTIVES.filter(({ notInherited }) => notInherited).map(({ name }) => name)).toEqual(['NSSSNI', 'NSSStrictSNIVHostCheck', 'NSSSessionTickets', 'NSSProxyCheckPeerCN']);
  });
});
