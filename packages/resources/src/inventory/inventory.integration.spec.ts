import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { InventoryReport } from '@hsmfleet/contract';
import { createLinuxHost } from '@hsmfleet/linux-host';
import { createPkcs11Port } from '@hsmfleet/pkcs11';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import type { ReadHost } from '@hsmfleet/resource';
import { Value } from '@sinclair/typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resource } from './index.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`inventory tests are skipped: ${reason}\n`);

/** A TLS server of this process stands for Apache: the question is what the inventory makes of handshakes. */
function serve(key: string, cert: string): Promise<Server> {
  const server = createServer({ key, cert }, (socket) => socket.end());
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => { resolve(server); }));
}

describe.skipIf(reason !== undefined)('inventory', () => {
  let token: SoftToken;
  let site: Server;
  let host: ReadHost;
  let nss: string;
  let pinFile: string;
  const reports: InventoryReport[] = [];
  beforeAll(async () => {
    token = makeSoftToken('Web Token');
    token.addKey('rsa1024', '01', 'old');
    const pem = token.addKey('p256', '02', 'web', '/CN=www.example.org');
    site = await serve(readFileSync(join(token.folder, 'key'), 'utf8'), pem);
    const { port } = site.address() as AddressInfo;

    const apache = join(token.folder, 'apache2');
    nss = join(token.folder, 'nss');
    pinFile = join(token.folder, 'pin');
    for (const folder of [apache, nss]) mkdirSync(folder);
    for (const name of ['cert9.db', 'key4.db']) writeFileSync(join(nss, name), '');
    writeFileSync(join(nss, 'pkcs11.txt'), `library=\nname=NSS Internal PKCS #11 Module\nNSS=Flags=internal,critical\n\nlibrary=${token.target.path}\nname=soft\nparameters=pin-value=${token.pin}\nNSS=trustOrder=100\n`);
    writeFileSync(join(apache, 'envvars'), `export SOFTHSM2_CONF=${token.target.env?.['SOFTHSM2_CONF'] ?? ''}\nexport OPENSSL_CONF=${apache}/openssl.cnf\n`);
    writeFileSync(join(apache, 'openssl.cnf'), `[p]\nMODULE_PATH = ${token.target.path}\n`);
    writeFileSync(join(apache, 'apache2.conf'), `
<VirtualHost 127.0.0.1:${port}>
  ServerName www.example.org
  SSLEngine on
  SSLProtocol -all +TLSv1.2
  SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA
  SSLCertificateFile /etc/ssl/web.crt
  SSLCertificateKeyFile "pkcs11:token=Web%20Token;id=%02;type=private?pin-value=${token.pin}"
</VirtualHost>
<VirtualHost 127.0.0.1:1>
  ServerName down.example.org
  NSSEngine on
  NSSNickname "Web Token:web"
</VirtualHost>
NSSCertificateDatabase sql:${nss}
NSSPassPhraseDialog file:${pinFile}
User www-data
LoadModule mpm_event_module m.so
ServerLimit 1
`);
    writeFileSync(pinFile, `Web Token:${token.pin}\n# another\n${token.pin}:Web Token\n`, { mode: 0o640 });
    const stateDir = join(token.folder, 'state');
    const linux = await createLinuxHost({
      stateDir,
      pkcs11: createPkcs11Port({ childArgv: childArgvForTests(), stateDir }),
      blob: (sha256) => sha256,
      report: (report) => reports.push(report),
      announceArtifact: () => undefined,
    });
    const facts = { ...linux.facts, apache: { ...linux.facts.apache, flavor: 'debian' as const, installed: true, configDir: apache } };
    // no Apache runs here: that a server runs is told, everything else is looked at
    host = { ...linux, facts, serverProcess: () => Promise.resolve({ pid: process.pid, startedAtMs: 0 }) };
  });
  afterAll(() => {
    site.close();
    token.remove();
  });

  const collect = async (params: Record<string, unknown> = {}, on: ReadHost = host): Promise<InventoryReport> => {
    await resource.inspect(on, params, {});
    const report = reports.at(-1);
    if (report === undefined) throw new Error('no report was made');
    return report;
  };

  test('finds module, token, keys, database and sites by itself', async () => {
    const report = await collect();
    expect([...Value.Errors(InventoryReport, report)]).toEqual([]);
    expect(report).toMatchObject({ evidence: 'live', disturbed: false, errors: [] });
    expect(report.modules.map(({ path, error }) => [path, error])).toEqual([[token.target.path, null]]);
    const found = report.modules[0]?.tokens.find(({ label }) => label === 'Web Token');
    expect(found?.keys.map(({ id, bits }) => [id, bits]).sort()).toEqual([['01', 1024], ['02', 256]]);
    expect(report.nssDatabases).toEqual([
      expect.objectContaining({ path: nss, kind: 'sql', used: true, modules: [
        { name: 'NSS Internal PKCS #11 Module', library: '', enabled: true, internal: true, source: 'database', bypass: false },
        { name: 'soft', library: token.target.path, enabled: true, internal: false, source: 'database', bypass: false },
      ] }),
    ]);
    expect(report.nssDatabases[0]?.files).toEqual(['cert9.db', 'key4.db', 'pkcs11.txt'].map((name) => expect.objectContaining({ name, mode: '0644', owner: 'root', group: 'root' }) as unknown));
    const certificate = new X509Certificate(readFileSync(join(token.folder, 'crt')));
    const fingerprint = createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
    expect(report.sites).toEqual([
      expect.objectContaining({
        name: 'www.example.org', engine: 'mod_ssl', key: 'pkcs11:token=Web%20Token;id=%02;type=private', serving: true,
        servedKeyFingerprint: fingerprint, servedFromToken: true, error: null,
        keySource: 'token', keyToken: 'Web Token', keyResolves: true, keyFingerprint: fingerprint,
        configuredProtocols: '-all +TLSv1.2', protocols: ['TLSv1.2'], minProtocol: 'TLSv1.2', acceptsOldProtocol: false, negotiatedProtocol: 'TLSv1.3',
        configuredCiphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA', weakCiphers: [], plainKeyExchange: ['AES128-SHA'],
        servedKeyType: 'ec', servedKeyBits: 256,
        certificate: expect.objectContaining({ subject: 'CN=www.example.org', namesSite: true, notAfter: new Date(certificate.validTo).toISOString() }) as unknown,
      }),
      expect.objectContaining({ name: 'down.example.org', engine: 'mod_nss', key: 'Web Token:web', serving: false, servedFromToken: null,
        keyToken: 'Web Token', keyResolves: true, keyFingerprint: fingerprint, pinFile: pinFile, database: nss, protocols: ['TLSv1', 'TLSv1.1', 'TLSv1.2'], weakCiphers: null,
        acceptsOldProtocol: null, certificate: null, error: expect.objectContaining({ code: 'WEB_DOWN' }) as unknown }),
    ]);
    expect(report.pinFiles).toEqual([
      {
        path: pinFile, format: 'mod_nss', sites: ['down.example.org'], exists: true, mode: '0640', owner: 'root', group: 'root', serverReadable: false,
        changedAt: expect.any(String) as unknown, newerThanServer: true, syntax: 'ok', problems: [],
        // the entry the wrong way round is counted, never named
        entries: [{ token: 'Web Token', inUse: true, present: true, proof: 'unproven' }], missing: [], unknownEntries: 1,
      },
    ]);
    expect(report.webServer).toMatchObject({ installed: true, running: true, mpm: 'event', processLimit: 1, configuredUser: 'www-data', modSsl: { sites: 1 }, modNss: { sites: 1, version: null } });
    expect(report.agent).toBeNull();
    expect(JSON.stringify(report)).not.toContain(token.pin);
  });

  test('a nickname, a URI and a token that are not there', async () => {
    const config = join(host.facts.apache.configDir, 'apache2.conf');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('id=%02', 'id=%09').replace('Web Token:web', 'Other Token:web'));
    try {
      const report = await collect();
      expect(report.sites).toMatchObject([{ keyToken: 'Web Token', keyResolves: false, keyFingerprint: null }, { keyToken: 'Other Token', keyResolves: false }]);
      expect(report.pinFiles).toMatchObject([{ missing: ['Other Token'], entries: [{ token: 'Web Token', inUse: true }] }]);
    } finally {
      writeFileSync(config, text);
    }
  });

  test('a broken module and a missing database are entries, not failures', async () => {
    const report = await collect({ modules: ['/nonexistent.so', { path: token.target.path, env: token.target.env }], nss_databases: ['sql:/nonexistent'], sites: false });
    expect(report.modules.map(({ error }) => error?.code ?? null)).toEqual(['PKCS11', null]);
    expect(report.errors).toMatchObject([{ code: 'TASK_FAILED', message: '/nonexistent holds no NSS database' }]);
    expect(report).toMatchObject({ sites: [], disturbed: null });
  });

  test('tells when reading a token stopped the site, and plans to bring it back', async () => {
    const other = await serve(readFileSync(join(token.folder, 'key'), 'utf8'), readFileSync(join(token.folder, 'crt'), 'utf8'));
    const config = join(host.facts.apache.configDir, 'apache2.conf');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace(/127\.0\.0\.1:\d{3,}/, `127.0.0.1:${(other.address() as AddressInfo).port}`));
    // a module that takes the token away from the server, as ordinary tools do (field notes 0b)
    const pkcs11 = {
      ...host.pkcs11,
      observe: async (...args: Parameters<ReadHost['pkcs11']['observe']>) => {
        const row = await host.pkcs11.observe(...args);
        await new Promise((resolve) => other.close(resolve));
        return row;
      },
    };
    try {
      const facts = await resource.inspect({ ...host, pkcs11 }, {}, {});
      expect(reports.at(-1)?.disturbed).toBe(true);
      expect(resource.plan({}, facts, {}).steps).toMatchObject([{ kind: 'web_change', apply: 'restart', proofs: [{ target: { serverName: 'www.example.org' } }] }]);
    } finally {
      writeFileSync(config, text);
      other.close();
    }
  });

  test('passive evidence leaves tokens alone', async () => {
    const untouched = { ...host.pkcs11, observe: () => Promise.reject(new Error('a token was touched')) };
    const report = await collect({ read_tokens: 'never' }, { ...host, pkcs11: untouched });
    expect(report).toMatchObject({ evidence: 'passive', disturbed: false, modules: [{ path: token.target.path, readOnly: { verdict: 'unproven' }, tokens: [] }] });
    expect(report.modules[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(report.sites[0]).toMatchObject({ serving: true, servedFromToken: null, keyToken: 'Web Token', keyResolves: null });
    expect(report.pinFiles).toMatchObject([{ entries: [{ token: 'Web Token', present: null, proof: 'unknown' }] }]);
    const marked = { ...host, pkcs11: untouched, stat: (path: string) => host.stat(path.endsWith('inventory-disturbs') ? '/etc/passwd' : path) };
    expect((await collect({}, marked)).evidence).toBe('passive');
  });
});
