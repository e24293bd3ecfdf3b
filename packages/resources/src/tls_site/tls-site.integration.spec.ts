import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError, Secret, type ErrorCode } from '@hsmfleet/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApacheBench, whyNoApache, type ApacheBench } from './testkit/apache-bench.ts';
import type { Facts } from './facts.ts';
import { resource } from './index.ts';

/* mod_ssl for real, through libp11's engine. */
const engine = ['engines-3', 'engines-1.1'].some((folder) => existsSync(`/usr/lib/x86_64-linux-gnu/${folder}/pkcs11.so`));
const reason = whyNoApache() ?? (engine ? undefined : 'needs libengine-pkcs11-openssl');
if (reason !== undefined) process.stderr.write(`skipped: tls_site with mod_ssl on a real Apache (${reason})\n`);

let bench: ApacheBench;
beforeAll(async () => { if (reason === undefined) bench = await makeApacheBench(); }, 60_000);
afterAll(async () => { if (reason === undefined) await bench.remove(); });

const params = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'shop', server_name: 'shop.test', port: bench.port, engine: 'auto', module: { path: bench.module.path, env: bench.module.env }, key_id: '03',
  pin: new Secret(bench.token.pin), document_root: join(bench.base, 'www'), ...more,
});
const apply = (more?: Record<string, unknown>): ReturnType<ApacheBench['apply']> => bench.apply(resource, params(more));

test.skipIf(reason !== undefined)('from a bare server to a proven site, twice, with another key, a wrong PIN, and gone', async () => {
  const { conf, host, port, token } = bench;
  const [first] = await apply();
  expect(first).toMatchObject({ kind: 'web_change', apply: 'restart', start: true });
  const seen = await host.handshake({ port, serverName: 'shop.test', path: '/index.html' });
  const facts = (await resource.inspect(host, params(), {})) as Facts;
  expect(seen).toMatchObject({ ok: true, keyFingerprint: facts.module?.tokens[0]?.certificates.find(({ id }) => id === '03')?.keyFingerprint });
  expect(statSync(join(conf, 'hsmfleet', 'shop.pin')).mode & 0o777).toBe(0o640);
  expect(readFileSync(join(conf, 'sites-available', 'shop.conf'), 'utf8')).not.toContain(token.pin);

  // drift of the virtual host alone
  const site = join(conf, 'sites-available', 'shop.conf');
  writeFileSync(site, readFileSync(site, 'utf8').replace('+TLSv1.3', ''));
  const repaired = await apply();
  expect(repaired[0]).toMatchObject({ changes: [{ kind: 'write_file', path: site }] });

  // another key, by RSA
  await apply({ key_id: '02' });
  expect((await host.handshake({ port, serverName: 'shop.test' })).keyFingerprint).toBe(
    facts.module?.tokens[0]?.certificates.find(({ id }) => id === '02')?.keyFingerprint,
  );

  // a wrong PIN: refused before anything is touched, the old site serves
  const before = readFileSync(site, 'utf8');
  await expect(codeOf(apply({ pin: new Secret('000000') }))).resolves.toBe('PIN_INCORRECT');
  expect(readFileSync(site, 'utf8')).toBe(before);
  expect((await host.handshake({ port, serverName: 'shop.test' })).ok).toBe(true);

  await apply({ state: 'absent' });
  expect(existsSync(site)).toBe(false);
  expect(existsSync(join(conf, 'hsmfleet', 'shop.pin'))).toBe(false);
  expect(readFileSync(join(conf, 'envvars'), 'utf8')).not.toContain('OPENSSL_CONF');
  expect(await host.portOpen(port)).toBe(false);
}, 60_000);

test.skipIf(reason !== undefined)('a change that OpenSSL refuses is rolled back with its cause', async () => {
  const { host, port } = bench;
  await apply();
  const error: unknown = await apply({ extra: ['SSLCipherSuite NOSUCHCIPHER'] }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HsmfleetError);
  expect((error as HsmfleetError).code).toBe('WEB_ROLLED_BACK');
  expect((await host.handshake({ port, serverName: 'shop.test' })).ok).toBe(true);
  expect(await bench.plan(resource, params())).toEqual([]);
}, 60_000);

async function codeOf(act: Promise<unknown>): Promise<ErrorCode | undefined> {
  const thrown: unknown = await act.then(() => undefined, (error: unknown) => error);
  return thrown instanceof HsmfleetError ? thrown.code : undefined;
}
