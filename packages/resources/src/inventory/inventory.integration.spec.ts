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
  const reports: InventoryReport[] = [];
  beforeAll(async () => {
    token = makeSoftToken('Web Token');
    token.addKey('rsa1024', '01', 'old');
    const pem = token.addKey('p256', '02', 'web', '/CN=www.example.org');
    site = await serve(readFileSync(join(token.folder, 'key'), 'utf8'), pem);
    const { port } = site.address() as AddressInfo;

    const apache = join(token.folder, 'apache2');
    nss = join(token.folder, 'nss');
    for (const folder of [apache, nss]) mkdirSync(folder);
    for (const name of ['cert9.db', 'key4.db']) writeFileSync(join(nss, name), '');
    writeFileSync(join(nss, 'pkcs11.txt'), `library=\nname=NSS Internal PKCS #11 Module\nNSS=Flags=internal,critical\n\nlibrary=${token.target.path}\nname=soft\nparameters=pin-value=${token.pin}\nNSS=trustOrder=100\n`);
    writeFileSync(join(apache, 'envvars'), `export SOFTHSM2_CONF=${token.target.env?.['SOFTHSM2_CONF'] ?? ''}\nexport OPENSSL_CONF=${apache}/openssl.cnf\n`);
    writeFileSync(join(apache, 'openssl.cnf'), `[p]\nMODULE_PATH = ${token.target.path}\n`);
    writeFileSync(join(apache, 'apache2.conf'), `
<VirtualHost 127.0.0.1:${port}>
  ServerName www.example.org
  SSLEngine on
  SSLCertificateFile /etc/ssl/web.crt
  SSLCertificateKeyFile "pkcs11:token=Web%20Token;id=%02;type=private?pin-value=${token.pin}"
</VirtualHost>
<VirtualHost 127.0.0.1:1>
  ServerName down.example.org
  NSSEngine on
  NSSNickname "Web Token:web"
</VirtualHost>
NSSCertificateDatabase sql:${nss}
`);
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
      expect.objectContaining({ path: nss, kind: 'sql', modules: [{ name: 'NSS Internal PKCS #11 Module', library: '', enabled: true }, { name: 'soft', library: token.target.path, enabled: true }] }),
    ]);
    const certificate = new X509Certificate(readFileSync(join(token.folder, 'crt')));
    const fingerprint = createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
    expect(report.sites).toEqual([
      expect.objectContaining({
        name: 'www.example.org', engine: 'mod_ssl', key: 'pkcs11:token=Web%20Token;id=%02;type=private', serving: true,
        servedKeyFingerprint: fingerprint, servedFromToken: true, error: null,
      }),
      expect.objectContaining({ name: 'down.example.org', engine: 'mod_nss', key: 'Web Token:web', serving: false, servedFromToken: null, error: expect.objectContaining({ code: 'WEB_DOWN' }) as unknown }),
    ]);
    expect(JSON.stringify(report)).not.toContain(token.pin);
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
    expect(report.sites[0]).toMatchObject({ serving: true, servedFromToken: null });
    const marked = { ...host, pkcs11: untouched, stat: (path: string) => host.stat(path.endsWith('inventory-disturbs') ? '/etc/passwd' : path) };
    expect((await collect({}, marked)).evidence).toBe('passive');
  });
});
