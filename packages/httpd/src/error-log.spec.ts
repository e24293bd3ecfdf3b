import { describe, expect, test } from 'vitest';
import { tellingLines, translateErrorLog } from './error-log.ts';

const line = (text: string, level = ':error'): string => `[Tue Nov 24 07:23:47.232026 2026] [${level}] [pid 1539:tid 1539] ${text}`;
const causes = (text: string): string[] => translateErrorLog(text).map(({ cause }) => cause);

describe('mod_nss', () => {
  test.each([
    ["Certificate not found: 'SmartCard-HSM:web'", 'finds no certificate "SmartCard-HSM:web"'],
    ['Password for slot SmartCard-HSM is incorrect.', 'PIN for token "SmartCard-HSM" is wrong or missing'],
    ['Malformed password entry for token T. Format should be token:password', '"T" has no colon'],
    ['Unable to open password file /etc/pin', 'cannot be opened by a child'],
    ["Key not found for: 'T:n'", 'no private key for "T:n"'],
    ['Server user www-data lacks read access to NSS key database /etc/nss/key4.db.', "cannot read NSS's key database"],
    ['Server user www-data lacks read access to NSS cert database /etc/nss/cert9.db.', "cannot read NSS's cert database"],
    ['NSS_Initialize failed. Certificate database: sql:/etc/nss.', 'database is missing or damaged'],
    ['Unable to change directory to /etc/nss', 'cannot enter /etc/nss'],
    ["Unable to verify certificate 'T:n'. Add \"NSSEnforceValidCerts off\" to nss.conf so the server can start", 'does not accept certificate "T:n"'],
    ['SSL Library Error: -8181 Certificate has expired', 'has expired'],
    ["Server certificate is expired: 'T:n'", 'has expired'],
    ['SSL Library Error: -8172 Certificate is signed by an untrusted issuer', 'not trusted'],
    ['SSL Library Error: -8177 The security password entered is incorrect', 'refused the PIN'],
    ['SSL Library Error: -8023 Unknown', 'lost its login'],
    ['SSL Library Error: -12222 Unknown', 'signing with the token failed'],
    ['SSL Library Error: -8173 Out of Memory', 'SoftHSM'],
    ['NSSEngine on; required value NSSCipherSuite not set.', 'NSSCipherSuite is missing'],
    ['NSSEngine on; no certificate nickname provided by NSSNickname.', 'NSSNickname is missing'],
    ['NSSPassPhraseHelper is not set. It is required.', 'helper nss_pcache is not set'],
    ['NSSCipherSuite:  TLS is enabled but no TLS ciphers are enabled.', 'none of the ciphers'],
    ['Unknown cipher ecdhe_rsa_aes_128_gcm_sha_256', 'does not have cipher ecdhe_rsa_aes_128_gcm_sha_256'],
    ["NSSProtocol:  Unknown protocol 'tlsv1.3' not supported", 'may serve TLS 1.0'],
    ['The token T has not been initialized.', 'not initialised'],
    ["NSSPassPhraseDialog: file '/etc/pin' does not exist", 'PIN file /etc/pin does not exist'],
    ['child pid 42 exit signal Segmentation fault (11)', 'children of the server die'],
  ])('%s', (text, cause) => {
    for (const level of [':error', ':info', 'nss:warn']) expect(causes(line(text, level))[0]).toContain(cause);
  });
});

describe('mod_ssl', () => {
  test.each([
    ['SSL Library Error: error:418000A0:PKCS#11 module::PIN incorrect', 'refused the PIN'],
    ['SSL Library Error: error:80067065:pkcs11 engine:ctx_load_privkey:object not found', 'no private key'],
    ['AH10496: no method for loading keypair', 'cannot load a pkcs11: key'],
    ['AH02565: Certificate and private key web01:443:0 from /a and pkcs11:token=T do not match', 'do not belong together'],
    ['AH02562: Failed to configure certificate web01:443:0 (with chain), check /a', ''],
    ['(98)Address already in use: AH00072: make_sock: could not bind to address [::]:443', 'something else listens'],
    ["Invalid command 'SSLEngine', perhaps misspelled", 'no loaded module knows the directive SSLEngine'],
  ])('%s', (text, cause) => {
    if (cause === '') expect(causes(line(text))).toEqual([]);
    else expect(causes(line(text, 'ssl:emerg'))[0]).toContain(cause);
  });
});

test('each cause is told once, and what always stands there is not told', () => {
  const log = [line('AH00489: Apache/2.4.71 configured -- resuming normal operations'), ...Array.from({ length: 50 }, (_unused, pid) => line(`Certificate not found: 'T:n' ${String(pid)}`)), line('AH02312: Fatal error initialising mod_ssl, exiting.')].join('\n');
  expect(translateErrorLog(log)).toHaveLength(1);
  expect(translateErrorLog('')).toEqual([]);
});

test('lines for people have no time and no process, are bounded, and cannot steer a terminal', () => {
  expect(tellingLines(`${line('\x1b[31mred')}\n\n${line('AH00094: Command line')}\n${line('x'.repeat(1000))}`)).toEqual(['[:error] ?[31mred', `[:error] ${'x'.repeat(391)}`]);
});
