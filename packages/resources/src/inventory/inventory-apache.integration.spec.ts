import { existsSync, chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, type InventoryReport } from '@hsmfleet/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resource as tlsSite } from '../tls_site/index.ts';
import { makeApacheBench, whyNoApache, type ApacheBench } from '../tls_site/testkit/apache-bench.ts';
import { resource } from './index.ts';

/* A real Apache that serves from a token: what the inventory tells of it, whole and sabotaged. */
const engine = ['engines-3', 'engines-1.1'].some((folder) => existsSync(`/usr/lib/x86_64-linux-gnu/${folder}/pkcs11.so`));
const reason = whyNoApache() ?? (engine ? undefined : 'needs libengine-pkcs11-openssl');
if (reason !== undefined) process.stderr.write(`skipped: inventory of a real Apache (${reason})\n`);

let bench: ApacheBench;
beforeAll(async () => {
  if (reason !== undefined) return;
  bench = await makeApacheBench();
  await bench.apply(tlsSite, {
    name: 'shop', server_name: 'shop.test', port: bench.port, engine: 'auto', module: { path: bench.module.path, env: bench.module.env }, key_id: '03',
    pin: new Secret(bench.token.pin), document_root: join(bench.base, 'www'),
  });
}, 60_000);
afterAll(async () => { if (reason === undefined) await bench.remove(); });

const look = async (): Promise<InventoryReport> => ((await resource.inspect(bench.host, {}, {})) as { report: InventoryReport }).report;
const pinPath = (): string => join(bench.conf, 'hsmfleet', 'shop.pin');

test.skipIf(reason !== undefined)('a server that is as it should be', async () => {
  const report = await look();
  expect(report).toMatchObject({
    errors: [], disturbed: false,
    webServer: {
      running: true, version: expect.stringMatching(/^2\.4\.\d+$/) as string, configNewerThanServer: false, mpm: 'event', processLimit: 1, processes: 1,
      configuredUser: 'www-data', runUser: 'www-data', runGroup: 'www-data', modSsl: { loaded: true, sites: 1 }, modNss: { loaded: false, sites: 0 },
    },
    pinFiles: [{
      path: pinPath(), format: 'plain', sites: ['shop.test'], exists: true, mode: '0640', owner: 'root', group: 'www-data', serverReadable: true, newerThanServer: false,
      syntax: 'ok', problems: [], entries: [{ token: 'Web HSM', inUse: true, present: true, proof: 'proven' }], missing: [], unknownEntries: 0,
    }],
    sites: [{
      serving: true, servedFromToken: true, keySource: 'token', keyToken: 'Web HSM', keyResolves: true, minProtocol: 'TLSv1.2', acceptsOldProtocol: false,
      negotiatedProtocol: 'TLSv1.3', weakCiphers: [], servedKeyType: 'ec', servedKeyBits: 256, pinFile: pinPath(), certificate: { namesSite: expect.any(Boolean) as boolean },
    }],
  });
  expect(report.sites[0]?.keyFingerprint).toBe(report.sites[0]?.servedKeyFingerprint);
  expect(JSON.stringify(report)).not.toContain(bench.token.pin);
});

test.skipIf(reason !== undefined)('a PIN file that the server may not read, and one with another PIN and a line end', async () => {
  const path = pinPath();
  const text = readFileSync(path);
  chmodSync(path, 0o600);
  expect((await look()).pinFiles).toMatchObject([{ mode: '0600', serverReadable: false, syntax: 'ok', entries: [{ proof: 'proven' }] }]);
  chmodSync(path, 0o644);
  writeFileSync(path, '135790\n');
  const later = new Date(Date.now() + 60_000);
  utimesSync(path, later, later);
  try {
    const report = await look();
    expect(report.pinFiles).toMatchObject([{ mode: '0644', serverReadable: true, newerThanServer: true, syntax: 'bad', entries: [{ proof: 'unproven' }] }]);
    expect(JSON.stringify(report)).not.toContain('135790');
  } finally {
    writeFileSync(path, text);
    chmodSync(path, 0o640);
  }
});

test.skipIf(reason !== undefined)('a configuration that the server has not read: old protocols, weak ciphers, and a key that is not there', async () => {
  const site = join(bench.conf, 'sites-available', 'shop.conf');
  const text = readFileSync(site, 'utf8');
  writeFileSync(site, text.replace('id=%03', 'id=%09').replace('-all +TLSv1.2 +TLSv1.3', 'all').replace('SSLEngine on', 'SSLEngine on\n    SSLCipherSuite AES128-SHA:AECDH-AES128-SHA:ECDHE-ECDSA-NULL-SHA'));
  const later = new Date(Date.now() + 60_000);
  utimesSync(site, later, later);
  try {
    expect(await look()).toMatchObject({
      webServer: { configNewerThanServer: true },
      sites: [{ serving: true, servedFromToken: true, keyResolves: false, keyFingerprint: null, protocols: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], minProtocol: 'TLSv1', acceptsOldProtocol: false, plainKeyExchange: ['AES128-SHA'] }],
    });
  } finally {
    writeFileSync(site, text);
  }
});

test.skipIf(reason !== undefined)('a server that is stopped', async () => {
  await bench.host.query(['apache2ctl', 'stop'], { env: { APACHE_CONFDIR: bench.conf } });
  for (let tries = 0; tries < 50 && (await bench.host.serverProcess(bench.host.facts.apache.pidFile)) !== undefined; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await look()).toMatchObject({
    webServer: { installed: true, running: false, startedAt: null, configNewerThanServer: null, processes: null, runUser: null, configuredUser: 'www-data' },
    pinFiles: [{ newerThanServer: null, serverReadable: true }],
    sites: [{ serving: null, acceptsOldProtocol: null, keyResolves: true, certificate: null }],
  });
});
