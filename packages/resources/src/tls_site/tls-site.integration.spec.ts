import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetError, Secret, type ErrorCode } from '@hsmfleet/contract';
import { createLinuxHost } from '@hsmfleet/linux-host';
import { createPkcs11Port } from '@hsmfleet/pkcs11';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import type { ExecuteContext, ModuleTarget, ReadHost, Step, WebChange, WriteHost } from '@hsmfleet/resource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executeWebChange, type WebDeps } from '../../../linux-host/src/web-change/index.ts';
import { resource } from './index.ts';
import type { Facts } from './facts.ts';

/* mod_ssl for real: an Apache of its own, the engine, and a SoftHSM token behind a write-protected p11-kit server. */
const engine = ['engines-3', 'engines-1.1'].some((folder) => existsSync(`/usr/lib/x86_64-linux-gnu/${folder}/pkcs11.so`));
const reason = process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/sbin/apache2ctl') ? 'needs apache2' : !engine ? 'needs libengine-pkcs11-openssl' : whyNoTokens();
if (reason !== undefined) process.stderr.write(`skipped: tls_site on a real Apache (${reason})\n`);

const base = mkdtempSync(join(tmpdir(), 'hsmfleet-site-'));
chmodSync(base, 0o755);
const conf = join(base, 'conf');
let token: SoftToken;
let module: ModuleTarget;
let host: ReadHost;
let linux: WriteHost;
let deps: WebDeps;
let port = 0;
const context: ExecuteContext = {
  pins: { ask: () => Promise.resolve({ go: true, report: () => undefined }) },
  learn: () => undefined,
  progress: () => undefined,
};

const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0); });
  });
});

beforeAll(async () => {
  if (reason !== undefined) return;
  token = makeSoftToken('Web HSM');
  token.addKey('rsa1024', '01', 'old');
  token.addKey('rsa2048', '02', 'rsa');
  token.addKey('p256', '03', 'ec');
  module = (await token.serveReadOnly()).target;
  // the server's user opens its own connection
  chmodSync(token.folder, 0o755);
  chmodSync(join(token.folder, 'p11'), 0o666);
  port = await freePort();
  for (const folder of ['mods-available', 'mods-enabled', 'sites-available', 'sites-enabled', 'conf-available', 'conf-enabled']) mkdirSync(join(conf, folder), { recursive: true });
  for (const folder of ['www', 'run', 'log']) mkdirSync(join(base, folder));
  writeFileSync(join(base, 'www', 'index.html'), 'page\n');
  for (const name of ['ssl', 'setenvif', 'mime', 'socache_shmcb', 'mpm_event', 'authz_core']) {
    writeFileSync(join(conf, 'mods-available', `${name}.load`), readFileSync(`/etc/apache2/mods-available/${name}.load`));
  }
  for (const name of ['mpm_event', 'authz_core']) symlinkSync(`../mods-available/${name}.load`, join(conf, 'mods-enabled', `${name}.load`));
  writeFileSync(join(conf, 'envvars'), [
    'unset HOME', 'export APACHE_RUN_USER=www-data', 'export APACHE_RUN_GROUP=www-data', `export APACHE_PID_FILE=${base}/run/apache2.pid`,
    `export APACHE_RUN_DIR=${base}/run`, `export APACHE_LOCK_DIR=${base}/run`, `export APACHE_LOG_DIR=${base}/log`, '',
  ].join('\n'));
  writeFileSync(join(conf, 'apache2.conf'), [
    `ServerRoot ${conf}`, 'ServerName localhost', 'DefaultRuntimeDir ${APACHE_RUN_DIR}', 'PidFile ${APACHE_PID_FILE}', 'User ${APACHE_RUN_USER}',
    'Group ${APACHE_RUN_GROUP}', 'ErrorLog ${APACHE_LOG_DIR}/error.log', 'IncludeOptional mods-enabled/*.load', 'ServerLimit 1', 'StartServers 1',
    'ThreadsPerChild 8', 'MaxRequestWorkers 8', 'MaxSpareThreads 8', `Listen 127.0.0.1:${String(await freePort())}`, 'IncludeOptional sites-enabled/*.conf', '',
  ].join('\n'));
  writeFileSync(join(conf, 'mime.types'), '');
  const stateDir = join(base, 'state');
  const pkcs11 = createPkcs11Port({ childArgv: childArgvForTests(), stateDir });
  linux = await createLinuxHost({ stateDir, pkcs11, blob: (sha256) => join(base, sha256), report: () => undefined });
  const apache = { ...linux.facts.apache, configDir: conf, errorLog: `${base}/log/error.log`, pidFile: `${base}/run/apache2.pid` };
  host = { ...linux, facts: { ...linux.facts, service_mgr: 'sysvinit', apache } };
  deps = { host, stateDir, context, applyChange: (change) => linux.execute(change, context), provePin: (step) => pkcs11.provePin(step, context) };
}, 60_000);
afterAll(async () => {
  if (reason !== undefined) return;
  await host.query(['apache2ctl', 'stop'], { env: { APACHE_CONFDIR: conf } });
  token.remove();
  rmSync(base, { recursive: true, force: true });
});

const params = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'shop', server_name: 'shop.test', port, engine: 'auto', module: { path: module.path, env: module.env }, key_id: '03', pin: new Secret(token.pin), document_root: join(base, 'www'), ...more,
});

async function plan(more?: Record<string, unknown>): Promise<Step[]> {
  return resource.plan(params(more), await resource.inspect(host, params(more), {}), {}).steps;
}

/** As the agent does: steps, then a second look that must find nothing left, then the resource's own proof. */
async function apply(more?: Record<string, unknown>): Promise<Step[]> {
  const steps = await plan(more);
  for (const step of steps) await executeWebChange(step as WebChange, deps);
  const facts = await resource.inspect(host, params(more), {});
  expect(resource.plan(params(more), facts, {}).steps).toEqual([]);
  await resource.verify?.(host, params(more), facts);
  return steps;
}

test.skipIf(reason !== undefined)('from a bare server to a proven site, twice, with another key, a wrong PIN, and gone', async () => {
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
  await apply();
  const error: unknown = await apply({ extra: ['SSLCipherSuite NOSUCHCIPHER'] }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HsmfleetError);
  expect((error as HsmfleetError).code).toBe('WEB_ROLLED_BACK');
  expect((await host.handshake({ port, serverName: 'shop.test' })).ok).toBe(true);
  expect(await plan()).toEqual([]);
}, 60_000);

async function codeOf(act: Promise<unknown>): Promise<ErrorCode | undefined> {
  const thrown: unknown = await act.then(() => undefined, (error: unknown) => error);
  return thrown instanceof HsmfleetError ? thrown.code : undefined;
}
