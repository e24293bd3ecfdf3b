import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discoverListens, discoverSites } from './discover.ts';
import { lexConfig, quoteWord } from './lex.ts';
import { readApacheConfig, type ApacheConfig, type ConfigReader } from './read.ts';

/** Files by path; folders follow from them. */
function readerOf(files: Record<string, string>): ConfigReader {
  return {
    readText: (path) => Promise.resolve(files[path]),
    list(path) {
      const prefix = path === '/' ? '/' : `${path}/`;
      const names = Object.keys(files).filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length).split('/')[0] ?? '');
      return Promise.resolve(names.length === 0 ? undefined : [...new Set(names)].sort());
    },
  };
}
const read = (files: Record<string, string>, variables: Record<string, string> = {}): Promise<ApacheConfig> =>
  readApacheConfig(readerOf(files), { mainFile: '/etc/apache2/apache2.conf', serverRoot: '/etc/apache2', variables });

const DEBIAN = {
  '/etc/apache2/apache2.conf': 'ServerRoot "/etc/apache2"\nIncludeOptional mods-enabled/*.load\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\n',
  '/etc/apache2/ports.conf': 'Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n<IfModule mod_gnutls.c>\n\tListen 4443\n</IfModule>\n<IfModule !mod_ssl.c>\nListen 81\n</IfModule>\n',
  '/etc/apache2/mods-enabled/ssl.load': '# Depends: setenvif\nLoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n',
  '/etc/apache2/sites-enabled/shop.conf': `<VirtualHost *:443 [::1]:8443>
  ServerName https://shop.test:443
  ServerAlias www.shop.test \\
     m.shop.test
  SSLEngine On
  SSLCertificateFile "/etc/hsm/my cert.pem"
  SSLCertificateKeyFile "pkcs11:token=T;id=%03;type=private?pin-value=648219"
</VirtualHost>
`,
};

describe('reading', () => {
  test('follows includes, and decides conditions by the modules loaded', async () => {
    const config = await read(DEBIAN);
    expect(config.files.map(({ path }) => path)).toEqual(['/etc/apache2/apache2.conf', '/etc/apache2/mods-enabled/ssl.load', '/etc/apache2/ports.conf', '/etc/apache2/sites-enabled/shop.conf']);
    expect(discoverListens(config).map(({ port }) => port)).toEqual([80, 443]);
    expect(config.modules.get('ssl_module')).toBe('/usr/lib/apache2/modules/mod_ssl.so');
  });

  test('an include of itself ends', async () => {
    const config = await read({ '/etc/apache2/apache2.conf': 'Listen 1\nInclude apache2.conf\n' });
    expect(config.files.length).toBeLessThan(50);
  });

  test('variables of the environment and of Define, folders, and wildcards that skip dot files', async () => {
    const config = await read({
      '/etc/apache2/apache2.conf': 'Define PORT 8080\nListen ${PORT}\nListen ${ADDRESS}:81\nInclude ${DIR}\nInclude x/[ab]?.conf\n',
      '/srv/c/1.conf': 'Listen 1\n', '/srv/c/d/2.conf': 'Listen 2\n',
      '/etc/apache2/x/a1.conf': 'Listen 3\n', '/etc/apache2/x/c1.conf': 'Listen 4\n', '/etc/apache2/x/.a.conf': 'Listen 5\n',
    }, { ADDRESS: '10.0.0.1', DIR: '/srv/c' });
    expect(discoverListens(config).map(({ address, port }) => `${address ?? '*'}:${String(port)}`)).toEqual(['*:8080', '10.0.0.1:81', '*:1', '*:2', '*:3']);
  });

  test('IfDefine and UnDefine', async () => {
    const config = await read({ '/etc/apache2/apache2.conf': 'Define A\n<IfDefine A>\nListen 1\n</IfDefine>\nUnDefine A\n<IfDefine A>\nListen 2\n</IfDefine>\n<IfDefine !A>\nListen 3\n</IfDefine>\n' });
    expect(discoverListens(config).map(({ port }) => port)).toEqual([1, 3]);
  });
});

describe('sites', () => {
  test('mod_ssl with a key in a token: one entry per address, and no PIN anywhere', async () => {
    const sites = discoverSites(await read(DEBIAN));
    expect(sites).toEqual([
      { name: 'shop.test', aliases: ['www.shop.test', 'm.shop.test'], address: '*', port: 443, engine: 'mod_ssl', config: '/etc/apache2/sites-enabled/shop.conf', key: 'pkcs11:token=T;id=%03;type=private', certificate: '/etc/hsm/my cert.pem' },
      { name: 'shop.test', aliases: ['www.shop.test', 'm.shop.test'], address: '[::1]', port: 8443, engine: 'mod_ssl', config: '/etc/apache2/sites-enabled/shop.conf', key: 'pkcs11:token=T;id=%03;type=private', certificate: '/etc/hsm/my cert.pem' },
    ]);
    expect(JSON.stringify(sites)).not.toContain('648219');
  });

  test('mod_nss: settings of the process count wherever they are written, the last one wins', async () => {
    const sites = discoverSites(await read({
      '/etc/apache2/apache2.conf': `NSSCertificateDatabase sql:/etc/old
nssPassPhraseDialog file:/etc/pin
<VirtualHost _default_:8443>
 NSSEngine on
 NSSNickname "Smart Card:web cert"
 NSSCertificateDatabase sql:/etc/nss
</VirtualHost>
<VirtualHost *:80>
 ServerName plain.test
</VirtualHost>
<VirtualHost *:8444>
 NSSEngine off
 SSLEngine optional
</VirtualHost>
`,
    }));
    expect(sites).toEqual([{ name: '', aliases: [], address: '*', port: 8443, engine: 'mod_nss', config: '/etc/apache2/apache2.conf', key: 'Smart Card:web cert', database: 'sql:/etc/nss', pinFile: '/etc/pin' }]);
  });

  test('an engine switched on for the whole server is inherited', async () => {
    const sites = discoverSites(await read({ '/etc/apache2/apache2.conf': 'SSLEngine on\nSSLCertificateFile /c.pem\n<VirtualHost *>\nServerName a\n</VirtualHost>\n<VirtualHost *:81>\nSSLEngine off\n</VirtualHost>\n' }));
    expect(sites.map(({ name, port, key }) => ({ name, port, key }))).toEqual([{ name: 'a', port: 443, key: '/c.pem' }]);
  });
});

describe('lexing', () => {
  test('words, quotes, continuation, comments, stray and missing closing tags', () => {
    const nodes = lexConfig('# a \\\n still a comment\nA "b \\"c" \'d e\' f\nB 1 \\\n 2\n</X>\n<X "y z">\n <IfModule a>\n C\n</X>\nD\n<Open>\nE', 'f');
    expect(nodes.map(({ name, args, line }) => ({ name, args, line }))).toEqual([
      { name: 'A', args: ['b "c', 'd e', 'f'], line: 3 },
      { name: 'B', args: ['1', '2'], line: 4 },
      { name: 'X', args: ['y z'], line: 7 },
      { name: 'D', args: [], line: 11 },
      { name: 'Open', args: [], line: 12 },
    ]);
    expect(nodes[2]?.children?.[0]?.children?.map(({ name }) => name)).toEqual(['C']);
  });

  test('no text makes it throw', async () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom('<VirtualHost *:443>\n', '</VirtualHost>\n', 'Include *\n', 'SSLEngine on\n', '\\\n', '"', 'Listen [', '<IfModule', 'NSSNickname\n'));
    await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
      const config = await read({ '/etc/apache2/apache2.conf': pieces.join('') });
      expect(Array.isArray(discoverSites(config))).toBe(true);
      expect(Array.isArray(discoverListens(config))).toBe(true);
    }));
  });

  test('a quoted word is read back as it was', () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }).filter((word) => !/[\n\r]/.test(word) && !word.endsWith('\\')), (word) => {
      expect(lexConfig(`Name ${quoteWord(word)}`, 'f')[0]?.args).toEqual([word]);
    }));
  });
});
