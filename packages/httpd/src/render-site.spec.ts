import type { ApacheLayout } from '@hsmfleet/contract';
import { HsmfleetError } from '@hsmfleet/contract';
import { describe, expect, test } from 'vitest';
import { configRoot, dropInFolder, sitePaths } from './layout.ts';
import { ASSUMED_MOD_NSS } from './mod-nss/module.ts';
import { renderMpm } from './mpm.ts';
import { renderNssSite, renderSslSite, sslProtocol, type NssSite, type SslSite } from './render-site.ts';

const nss: NssSite = {
  serverName: 'shop.test', address: '*', port: 8443, writeListen: true, documentRoot: '/var/www/my shop', module: ASSUMED_MOD_NSS,
  nickname: 'SmartCard-HSM:web cert', database: '/etc/hsmfleet/nss', pinFile: '/etc/hsmfleet/web.pin', helper: '/usr/sbin/nss_pcache',
  protocol: 'TLSv1.2', cipherSuite: '+rsa_aes_128_sha,+rsa_aes_256_sha', enforceValidCerts: false,
};
const ssl: SslSite = {
  serverName: 'shop.test', aliases: ['www.shop.test'], address: '10.0.0.1', port: 443, writeListen: false, cryptoDevice: true,
  certificate: '/etc/apache2/hsmfleet/shop.crt', keyUri: 'pkcs11:token=T;id=%03;type=private?pin-source=file:/etc/pin', protocol: '-all +TLSv1.2',
  cipherSuite: 'HIGH:!aNULL', extra: ['Header always set X-A "b c"'],
};

describe('mod_nss', () => {
  test('a whole site', () => {
    expect(renderNssSite(nss)).toBe(`# Managed by hsmfleet: changes by hand are overwritten.
Listen 8443
NSSPassPhraseDialog file:/etc/hsmfleet/web.pin
NSSPassPhraseHelper /usr/sbin/nss_pcache
NSSCertificateDatabase sql:/etc/hsmfleet/nss
NSSRandomSeed startup builtin
NSSSessionCacheSize 10000
NSSSession3CacheTimeout 86400
<VirtualHost *:8443>
    ServerName shop.test
    DocumentRoot "/var/www/my shop"
    NSSEngine on
    NSSNickname "SmartCard-HSM:web cert"
    NSSProtocol TLSv1.2
    NSSCipherSuite +rsa_aes_128_sha,+rsa_aes_256_sha
    NSSVerifyClient none
    NSSEnforceValidCerts off
    NSSSNI on
    NSSStrictSNIVHostCheck off
    NSSSessionTickets off
</VirtualHost>
`);
  });

  test('directives that an older module lacks are left out, for they would be a syntax error', () => {
    const text = renderNssSite({ ...nss, module: { patch: 10, source: 'package', tls13: false } });
    expect(text).not.toMatch(/NSSSNI|NSSStrictSNI|NSSSessionTickets/);
    expect(text).toContain('NSSEngine on');
  });

  test('the nickname keeps its case and its quotes', () => {
    expect(renderNssSite({ ...nss, nickname: 'T:a "b"' })).toContain('NSSNickname "T:a \\"b\\""');
  });
});

describe('mod_ssl', () => {
  test('a whole site', () => {
    expect(renderSslSite(ssl)).toBe(`# Managed by hsmfleet: changes by hand are overwritten.
SSLCryptoDevice pkcs11
<VirtualHost 10.0.0.1:443>
    ServerName shop.test
    ServerAlias www.shop.test
    SSLEngine on
    SSLCertificateFile /etc/apache2/hsmfleet/shop.crt
    SSLCertificateKeyFile "pkcs11:token=T;id=%03;type=private?pin-source=file:/etc/pin"
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "HIGH:!aNULL"
    Header always set X-A "b c"
</VirtualHost>
`);
  });

  test('no crypto device with OpenSSL 3, where it makes Apache crash; IPv6 in brackets', () => {
    const text = renderSslSite({ ...ssl, cryptoDevice: false, address: '::1', writeListen: true });
    expect(text).not.toContain('SSLCryptoDevice');
    expect(text).toContain('Listen [::1]:443\n<VirtualHost [::1]:443>');
  });

  test('protocols', () => {
    expect(sslProtocol(['tlsv1.3', 'TLSv1.2'])).toBe('-all +TLSv1.2 +TLSv1.3');
    expect(sslProtocol(['TLSv1.0'])).toBe('-all +TLSv1');
    expect(() => sslProtocol(['SSLv3'])).toThrow(HsmfleetError);
    expect(() => sslProtocol([])).toThrow('no protocol is given');
  });
});

test.each(['a\nListen 1', 'a\rb', 'ends with \\', 'nul\0'])('what would break out of its line is refused: %j', (extra) => {
  expect(() => renderSslSite({ ...ssl, extra: [extra] })).toThrow("cannot be written into Apache's configuration");
});

test('the process model', () => {
  expect(renderMpm({ mpm: 'event', serverLimit: 1, threads: 64, maxConnectionsPerChild: 0 })).toBe(`# Managed by hsmfleet: changes by hand are overwritten.
<IfModule mpm_event_module>
    ServerLimit 1
    StartServers 1
    ThreadLimit 64
    ThreadsPerChild 64
    MaxRequestWorkers 64
    MinSpareThreads 1
    MaxSpareThreads 64
    MaxConnectionsPerChild 0
</IfModule>
`);
});

describe('layouts', () => {
  const base = { installed: true, binary: '', user: '', group: '', modulesDir: '', errorLog: '', pidFile: '' };
  const debian: ApacheLayout = { ...base, flavor: 'debian', service: 'apache2', configDir: '/etc/apache2' };
  const redhat: ApacheLayout = { ...base, flavor: 'redhat', service: 'httpd', configDir: '/etc/httpd' };
  const arch: ApacheLayout = { ...base, flavor: 'arch', service: 'httpd', configDir: '/etc/httpd' };

  test('Debian: sites-available and the link that a2ensite makes', () => {
    expect(sitePaths(debian, 'shop')).toMatchObject({
      config: '/etc/apache2/sites-available/shop.conf',
      link: { path: '/etc/apache2/sites-enabled/shop.conf', target: '../sites-available/shop.conf' },
      environment: '/etc/apache2/envvars', environmentStyle: 'envvars', openssl: '/etc/apache2/hsmfleet/openssl.cnf',
    });
    expect(configRoot(debian)).toMatchObject({ mainFile: '/etc/apache2/apache2.conf', serverRoot: '/etc/apache2' });
  });

  test('RedHat: conf.d, environment by a drop-in of systemd', () => {
    expect(sitePaths(redhat, 'shop')).toMatchObject({ config: '/etc/httpd/conf.d/shop.conf', environment: '/etc/systemd/system/httpd.service.d/hsmfleet.conf', environmentStyle: 'systemd' });
    expect(sitePaths(redhat, 'shop')).not.toHaveProperty('link');
    expect(configRoot(redhat)).toMatchObject({ mainFile: '/etc/httpd/conf/httpd.conf', serverRoot: '/etc/httpd' });
    expect(dropInFolder(redhat)).toBe('/etc/httpd/conf.d');
  });

  test.each(['/etc/httpd', '/etc/httpd/conf'])('Arch: conf/extra and a line in httpd.conf (%s)', (configDir) => {
    expect(sitePaths({ ...arch, configDir }, 'shop')).toMatchObject({
      config: '/etc/httpd/conf/extra/shop.conf', include: { file: '/etc/httpd/conf/httpd.conf', line: 'Include conf/extra/shop.conf' }, folder: '/etc/httpd/conf/hsmfleet',
    });
    expect(configRoot({ ...arch, configDir }).serverRoot).toBe('/etc/httpd');
  });
});
