import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, readdirSync, readFileSync, mkdirSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError, Secret, type InventoryReport } from '@hsmfleet/contract';
import { detectModNss, knowsCipher } from '@hsmfleet/httpd';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resource as apacheModule } from '../apache_module/index.ts';
import { resource as inventory } from '../inventory/index.ts';
import { makeApacheBench, whyNoApache, type ApacheBench } from './testkit/apache-bench.ts';
import type { Facts } from './facts.ts';
import { resource } from './index.ts';

/* mod_nss for real, where a module and its helper are on the machine: Debian does not package them any more. */
const folder = process.env.HSMFLEET_TEST_MOD_NSS_DIR;
const reason = folder === undefined || !existsSync(join(folder, 'libmodnss.so')) ? 'HSMFLEET_TEST_MOD_NSS_DIR names no folder with libmodnss.so and nss_pcache' : (whyNoApache() ?? (existsSync('/usr/bin/modutil') ? undefined : 'needs libnss3-tools'));
if (reason !== undefined) process.stderr.write(`skipped: tls_site with mod_nss on a real Apache (${reason})\n`);
const modNss = folder ?? '';

let bench: ApacheBench;
let database: string;
beforeAll(async () => {
  if (reason !== undefined) return;
  bench = await makeApacheBench();
  database = join(bench.base, 'nss');
  mkdirSync(database);
  const env = { PATH: process.env.PATH ?? '', ...bench.module.env };
  execFileSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'], { env, timeout: 20_000, stdio: 'ignore' });
  execFileSync('modutil', ['-dbdir', `sql:${database}`, '-force', '-add', 'hsm', '-libfile', bench.module.path], { env, timeout: 20_000, stdio: 'ignore' });
  const group = await bench.host.groupId('www-data');
  for (const path of [database, ...readdirSync(database).map((name) => join(database, name))]) {
    chownSync(path, 0, group ?? 0);
    chmodSync(path, path === database ? 0o750 : 0o640);
  }
}, 60_000);
afterAll(async () => { if (reason === undefined) await bench.remove(); });

const params = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'shop', server_name: 'shop.test', port: bench.port, engine: 'auto', module: { path: bench.module.path, env: bench.module.env }, key_id: '03',
  pin: new Secret(bench.token.pin), nss_database: database, helper: join(modNss, 'nss_pcache'), document_root: join(bench.base, 'www'), ...more,
});

test.skipIf(reason !== undefined)('the binary tells what it can do', () => {
  const found = detectModNss(readFileSync(join(modNss, 'libmodnss.so')));
  expect(found.source).toBe('binary');
  expect(found.directives).toContain('NSSPassPhraseHelper');
  expect(knowsCipher(found, 'rsa_aes_128_sha')).toBe(true);
});

test.skipIf(reason !== undefined)('from a bare server to a proven site, rolled back when it does not serve', async () => {
  const { host, port } = bench;
  await bench.apply(apacheModule, { name: 'nss', path: join(modNss, 'libmodnss.so') });
  await bench.apply(resource, params());
  const facts = (await resource.inspect(host, params(), {})) as Facts;
  expect(facts.engine).toBe('mod_nss');
  const wanted = facts.module?.tokens[0]?.certificates.find(({ id }) => id === '03')?.keyFingerprint;
  expect(await host.handshake({ port, serverName: 'shop.test', path: '/index.html' })).toMatchObject({ ok: true, keyFingerprint: wanted });

  const inventoried = async () => ((await inventory.inspect(host, {}, {})) as { report: InventoryReport }).report;
  const report = await inventoried();
  expect(report).toMatchObject({
    errors: [], disturbed: false,
    webServer: { runUser: 'www-data', modNss: { loaded: true, sites: 1 } },
    nssDatabases: [expect.objectContaining({ path: database, used: true, serverReadable: true }) as unknown],
    sites: [{ engine: 'mod_nss', keyToken: 'Web HSM', keyResolves: true, keyFingerprint: wanted, minProtocol: 'TLSv1.2', acceptsOldProtocol: false, weakCiphers: [], unknownCiphers: [], database }],
    pinFiles: [{ format: 'mod_nss', syntax: 'ok', serverReadable: true, entries: [{ token: 'Web HSM', proof: 'proven' }], missing: [], unknownEntries: 0 }],
  });
  // one file that the children could not read at their next start, though the master could
  const readable = async () => (await inventoried()).nssDatabases[0]?.files?.map(({ name, serverReadable }) => `${name} ${String(serverReadable)}`);
  chmodSync(join(database, 'pkcs11.txt'), 0o600);
  expect(await readable()).toEqual(['cert9.db true', 'key4.db true', 'pkcs11.txt false']);
  chmodSync(join(database, 'pkcs11.txt'), 0o640);

  // passes configtest, does not serve
  const error: unknown = await bench.apply(resource, params({ extra: ['NSSNickname "Web HSM:nope"'] })).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HsmfleetError);
  expect((error as HsmfleetError).code).toBe('WEB_ROLLED_BACK');
  expect((error as HsmfleetError).message).toContain('finds no certificate "Web HSM:nope"');
  expect((await host.handshake({ port, serverName: 'shop.test' })).keyFingerprint).toBe(wanted);

  const wrongPin: unknown = await bench.apply(resource, params({ pin: new Secret('000000') })).catch((thrown: unknown) => thrown);
  expect((wrongPin as HsmfleetError).code).toBe('PIN_INCORRECT');
  expect((await host.handshake({ port, serverName: 'shop.test' })).keyFingerprint).toBe(wanted);
}, 90_000);

test.skipIf(reason !== undefined)('a certificate renewed on the token is served once the site was applied', async () => {
  const { host, port, token } = bench;
  const run = (program: string, ...argv: string[]): void => {
    execFileSync(program, argv, { cwd: token.folder, env: { ...process.env, ...token.target.env }, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const tool = (...argv: string[]): void => { run('pkcs11-tool', '--module', token.target.path, '--token-label', token.label, '--login', '--pin', token.pin, ...argv); };
  const before = await host.handshake({ port, serverName: 'shop.test' });
  // the key of the last certificate that the test's token got is that of ID 03
  run('openssl', 'req', '-x509', '-key', 'key', '-out', 'renewed', '-outform', 'DER', '-days', '30', '-subj', '/CN=renewed');
  tool('--delete-object', '--type', 'cert', '--id', '03');
  tool('--write-object', 'renewed', '--type', 'cert', '--id', '03', '--label', 'ec');

  // a device is carried between runs; this one changed within a run, where observations are shared for a while
  bench.forget();
  // a new child of the server may have taken it up by itself: what counts is what is served
  await bench.apply(resource, params());
  const after = await host.handshake({ port, serverName: 'shop.test' });
  expect(after.keyFingerprint).toBe(before.keyFingerprint);
  expect(after.certificateSha256).toBe(createHash('sha256').update(readFileSync(join(token.folder, 'renewed'))).digest('hex'));
  expect(after.certificateSha256).not.toBe(before.certificateSha256);
}, 90_000);
