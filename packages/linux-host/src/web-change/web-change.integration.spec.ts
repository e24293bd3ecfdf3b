import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetError, Secret, type ModuleRow } from '@hsmfleet/contract';
import type { ReadHost, TlsProof, WebChange } from '@hsmfleet/resource';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLinuxHost } from '../create-linux-host.ts';
import { actOnWebServer, executeWebChange, provePinBesideServer, readPendingWebChange, recoverWeb, settleWeb, type WebDeps } from './index.ts';
import { openJournal } from './journal.ts';

/*
 * A real Apache on loopback ports with a configuration of its own (APACHE_CONFDIR), served from PEM keys: what is tried
 * here is the transaction, which does not care where a key lies. Tokens are stand-ins, since no test may own a card.
 */
const reason = process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/sbin/apache2ctl') ? 'needs the package apache2' : undefined;
if (reason !== undefined) process.stderr.write(`skipped: the web change on a real Apache ${reason}\n`);

const base = mkdtempSync(join(tmpdir(), 'hsmfleet-web-'));
const conf = join(base, 'conf');
const site = join(conf, 'sites-enabled', 'tls.conf');
const pinFile = join(base, 'pin');
let httpPort = 0;
let tlsPort = 0;
let keys: Record<'a' | 'b', string>;
let host: ReadHost;
let deps: WebDeps;
let logins: string[];
let provenPins: Set<string>;
const rightPin = '648219';

function makeKey(name: 'a' | 'b'): string {
  const [key, cert] = [join(base, `${name}.key`), join(base, `${name}.crt`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=web.test'], { stdio: 'ignore' });
  const spki = createPublicKey(readFileSync(cert)).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

const siteText = (name: 'a' | 'b', extra = '', key = `${base}/${name}.key`): string => `<VirtualHost *:${String(tlsPort)}>
  ServerName web.test
  SSLEngine on
  SSLCertificateFile ${base}/${name}.crt
  SSLCertificateKeyFile "${key}"
  ${extra}
</VirtualHost>
`;

/** Loads nowhere, and passes configtest. */
const badKey = 'pkcs11:token=Nope;id=%03;type=private';

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0); });
    });
  });
}

const modules: ModuleRow = {
  path: '/test/module.so', realPath: null, sha256: null, manufacturer: '', description: '', version: '', cryptokiVersion: '', error: null,
  readOnly: { verdict: 'read_only', reason: '', token: 'Web', flagWriteProtected: true, openReadWriteSession: null, generateKeyPair: null, at: '' },
  tokens: [{ slotId: 0, slotIndex: 0, slotDescription: '', label: 'Web', serial: '', manufacturer: '', model: '', flags: [], pinState: 'ok', loginRequired: true, identity: 'id-of-web', keys: [], certificates: [] }],
};

const ctl = (action: string): void => {
  execFileSync('apache2ctl', [action], { env: { PATH: process.env.PATH ?? '', APACHE_CONFDIR: conf }, stdio: 'ignore', timeout: 20_000 });
};

/** Returns when the process is gone. */
const stop = (): void => {
  ctl('stop');
  for (let count = 0; existsSync(`${base}/run/apache2.pid`) && count < 200; count += 1) execFileSync('sleep', ['0.05']);
};

beforeAll(async () => {
  if (reason !== undefined) return;
  keys = { a: makeKey('a'), b: makeKey('b') };
  [httpPort, tlsPort] = [await freePort(), await freePort()];
  for (const folder of ['mods-enabled', 'sites-enabled', 'www', 'run', 'log']) mkdirSync(join(folder.length > 4 ? conf : base, folder), { recursive: true });
  writeFileSync(join(base, 'www', 'index.html'), 'old page\n');
  writeFileSync(join(conf, 'envvars'), [
    'unset HOME', 'export APACHE_RUN_USER=www-data', 'export APACHE_RUN_GROUP=www-data', `export APACHE_PID_FILE=${base}/run/apache2.pid`,
    `export APACHE_RUN_DIR=${base}/run`, `export APACHE_LOCK_DIR=${base}/run`, `export APACHE_LOG_DIR=${base}/log`, 'export LANG=C', '',
  ].join('\n'));
  writeFileSync(join(conf, 'apache2.conf'), `ServerRoot ${conf}
ServerName localhost
DefaultRuntimeDir \${APACHE_RUN_DIR}
PidFile \${APACHE_PID_FILE}
User \${APACHE_RUN_USER}
Group \${APACHE_RUN_GROUP}
ErrorLog \${APACHE_LOG_DIR}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
ServerLimit 1
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
Listen 127.0.0.1:${String(httpPort)}
Listen 127.0.0.1:${String(tlsPort)}
DocumentRoot ${base}/www
IncludeOptional mods-enabled/*.conf
IncludeOptional sites-enabled/*.conf
`);
  execFileSync('chmod', ['-R', 'a+rX', base]);
  const linux = await createLinuxHost({
    stateDir: join(base, 'state'),
    pkcs11: {
      observe: () => Promise.resolve(modules),
      isPinProven: (_identity, pin) => Promise.resolve(provenPins.has(pin.reveal())),
      standingOf: (_identity, pin) => Promise.resolve(provenPins.has(pin.reveal()) ? 'proven' : 'unproven'),
      provePin(step) {
        // as the PIN guard: one login in a run
        if (provenPins.has(step.pin.reveal())) return Promise.resolve();
        logins.push(step.pin.reveal());
        if (step.pin.reveal() !== rightPin) return Promise.reject(new HsmfleetError('PIN_INCORRECT', 'the token answered that the PIN is wrong'));
        provenPins.add(step.pin.reveal());
        return Promise.resolve();
      },
    },
    blob: (sha256) => join(base, sha256),
    report: () => undefined,
    announceArtifact: () => undefined,
  });
  const apache = { ...linux.facts.apache, configDir: conf, errorLog: `${base}/log/error.log`, pidFile: `${base}/run/apache2.pid` };
  host = { ...linux, facts: { ...linux.facts, service_mgr: 'sysvinit', apache } };
  const context: WebDeps['context'] = { pins: { ask: () => Promise.resolve({ go: false, reason: '' }) }, learn: () => undefined, progress: () => undefined, measured: () => undefined };
  deps = {
    host,
    stateDir: join(base, 'state'),
    context,
    applyChange: (change) => linux.execute(change, context),
    provePin: async (step) => { await linux.execute(step, context); },
  };
}, 60_000);

beforeEach(async () => {
  if (reason !== undefined) return;
  logins = [];
  provenPins = new Set();
  rmSync(join(base, 'state'), { recursive: true, force: true });
  mkdirSync(join(base, 'state'), { mode: 0o700 });
  rmSync(pinFile, { force: true });
  writeFileSync(site, siteText('a'));
  await actOnWebServer({ kind: 'service', unit: 'apache2', action: 'start' }, deps);
}, 30_000);
afterEach(() => { if (reason === undefined && existsSync(`${base}/run/apache2.pid`)) stop(); });
afterAll(() => { rmSync(base, { recursive: true, force: true }); });

const proof = (name: 'a' | 'b', path?: string): TlsProof => ({ target: { port: tlsPort, serverName: 'web.test', ...(path === undefined ? {} : { path }) }, keyFingerprint: keys[name] });
const write = (text: string, path = site): WebChange['changes'][number] => ({ kind: 'write_file', path, content: { from: 'text', text } });
const change = (more: Partial<WebChange>): WebChange => ({ kind: 'web_change', changes: [], apply: 'restart', start: true, proofs: [], pins: [], why: 'a test', ...more });
const served = async (): Promise<string | undefined> => (await host.handshake({ port: tlsPort, serverName: 'web.test' })).keyFingerprint;
const pid = async (): Promise<number | undefined> => (await host.serverProcess(host.facts.apache.pidFile))?.pid;
const errorOf = async (act: Promise<unknown>): Promise<HsmfleetError> => {
  const thrown: unknown = await act.then(() => undefined, (error: unknown) => error);
  expect(thrown).toBeInstanceOf(HsmfleetError);
  return thrown as HsmfleetError;
};
const pins = (pin: string): WebChange['pins'] => [{ file: pinFile, module: { path: '/test/module.so' }, tokenLabel: 'Web', pin: new Secret(pin) }];
/** Names the PIN file without mod_ssl using it. */
const siteWithPin = (name: 'a' | 'b'): string => `${siteText(name)}<IfModule ssl_module>
<VirtualHost 127.0.0.1:1>
  ServerName pin.test
  SSLEngine on
  SSLCertificateFile ${base}/a.crt
  SSLCertificateKeyFile ${base}/a.key
</VirtualHost>
</IfModule>
`;

describe.skipIf(reason !== undefined)('a change that works', () => {
  test('is applied by a full restart, proven, and leaves nothing behind', async () => {
    const before = await pid();
    await executeWebChange(change({ changes: [write(siteText('b'))], proofs: [proof('b', '/')] }), deps);
    expect(await served()).toBe(keys.b);
    expect(await pid()).not.toBe(before);
    expect(await readPendingWebChange(deps.stateDir)).toBeUndefined();
    expect(existsSync(join(base, 'state', 'web', 'bytes'))).toBe(false);
  });

  test('by a reload keeps the process and serves the new configuration', async () => {
    const before = await pid();
    await executeWebChange(change({ changes: [write(siteText('b'))], apply: 'reload', proofs: [proof('b')] }), deps);
    expect(await pid()).toBe(before);
    expect(await served()).toBe(keys.b);
  });

  test('waits, and is taken up once at the end', async () => {
    const before = await pid();
    await executeWebChange(change({ changes: [write(siteText('b'))], apply: 'pending-restart', proofs: [proof('b')] }), deps);
    await executeWebChange(change({ changes: [write('# more\n', join(conf, 'mods-enabled', 'x.conf'))], apply: 'pending-reload' }), deps);
    expect(await pid()).toBe(before);
    expect(await served()).toBe(keys.a);
    expect(await readPendingWebChange(deps.stateDir)).toMatchObject({ apply: 'restart' });
    expect((await readPendingWebChange(deps.stateDir))?.paths).toEqual(expect.arrayContaining([site, join(conf, 'mods-enabled', 'x.conf')]));
    expect(await settleWeb(deps)).toBe(true);
    expect(await served()).toBe(keys.b);
    expect(await settleWeb(deps)).toBe(false);
    rmSync(join(conf, 'mods-enabled', 'x.conf'));
  });

  test('brings back a file of the configuration that was taken away under the running server', async () => {
    // the server itself still holds the port, though no line says so any more
    rmSync(site);
    writeFileSync(join(conf, 'apache2.conf'), readFileSync(join(conf, 'apache2.conf'), 'utf8').replace(`Listen 127.0.0.1:${String(tlsPort)}\n`, ''));
    await executeWebChange(change({ changes: [write(`Listen 127.0.0.1:${String(tlsPort)}\n${siteText('a')}`)], proofs: [proof('a')] }), deps);
    expect(await served()).toBe(keys.a);
    // as the other tests know it
    writeFileSync(site, siteText('a'));
    writeFileSync(join(conf, 'apache2.conf'), `${readFileSync(join(conf, 'apache2.conf'), 'utf8')}Listen 127.0.0.1:${String(tlsPort)}\n`);
  });

  test('starts a stopped server when told to, and leaves it stopped otherwise', async () => {
    stop();
    await executeWebChange(change({ changes: [write(siteText('b'))], start: false }), deps);
    expect(await pid()).toBeUndefined();
    expect(await readPendingWebChange(deps.stateDir)).toBeUndefined();
    await executeWebChange(change({ start: true, proofs: [proof('b')] }), deps);
    expect(await served()).toBe(keys.b);
  });
});

describe.skipIf(reason !== undefined)('a change that fails is rolled back', () => {
  test('configtest: the server is not touched', async () => {
    const before = await pid();
    const error = await errorOf(executeWebChange(change({ changes: [write('NoSuchDirective on\n')] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(error.message).toContain('NoSuchDirective');
    expect(error.message).toContain('serves as before');
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
    expect(await pid()).toBe(before);
    expect(await served()).toBe(keys.a);
  });

  test('passes configtest but does not start: the old site serves again, with the log explained', async () => {
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b', '', badKey))], proofs: [proof('b')] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(error.details).toMatchObject({ paths: [site] });
    expect(JSON.stringify(error.details)).toContain('cause');
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
    expect(await served()).toBe(keys.a);
    expect((await host.handshake({ port: tlsPort, serverName: 'web.test', path: '/index.html' })).httpStatus).toBe(200);
  });

  test('a port that another process holds', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const before = await pid();
    const error = await errorOf(executeWebChange(change({ changes: [write(`Listen 127.0.0.1:${String(port)}\n${siteText('a')}`)] }), deps));
    blocker.close();
    expect(error).toMatchObject({ code: 'WEB_ROLLED_BACK', message: expect.stringContaining(`another program listens on port ${String(port)}`) as string });
    // seen before the server was stopped for it
    expect(await pid()).toBe(before);
    expect(await served()).toBe(keys.a);
  });

  test('serves, but another key than the proof wants', async () => {
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('a', '# other'))], proofs: [proof('b')] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(error.message).toContain('another key');
    expect(await served()).toBe(keys.a);
  });

  test('breaks a site that nobody spoke of', async () => {
    const other = await freePort();
    const neighbour = join(conf, 'sites-enabled', 'zz.conf');
    writeFileSync(neighbour, `Listen 127.0.0.1:${String(other)}\n${siteText('b').replace(String(tlsPort), String(other)).replace('web.test', 'other.test')}`);
    await actOnWebServer({ kind: 'service', unit: 'apache2', action: 'restart' }, deps);
    const shadow = `<VirtualHost *:${String(other)}>\n  ServerName other.test\n  SSLEngine off\n</VirtualHost>\n`;
    const error = await errorOf(executeWebChange(change({ changes: [write(`${shadow}${siteText('a')}`)], proofs: [proof('a')] }), deps));
    expect(error.message).toContain('other.test');
    expect((await host.handshake({ port: other, serverName: 'other.test' })).keyFingerprint).toBe(keys.b);
    rmSync(neighbour);
  });

  test('takes back all that waited, with links, owners and modes', async () => {
    const link = join(conf, 'mods-enabled', 'y.conf');
    const made = join(conf, 'made');
    symlinkSync('../y.conf', link);
    writeFileSync(join(conf, 'y.conf'), '# y\n', { mode: 0o640 });
    const { mtimeMs } = statSync(join(conf, 'y.conf'));
    await executeWebChange(change({ apply: 'pending-restart', changes: [
      { kind: 'remove', path: link }, { kind: 'make_directory', path: join(made, 'deep') }, write('x', join(made, 'deep', 'x')),
      { kind: 'write_file', path: join(conf, 'y.conf'), content: { from: 'text', text: '# z\n' }, mode: 0o600, owner: 'www-data' },
    ] }), deps);
    expect(existsSync(link)).toBe(false);
    await errorOf(executeWebChange(change({ changes: [write('Nonsense\n')] }), deps));
    expect(readlinkSync(link)).toBe('../y.conf');
    expect(existsSync(made)).toBe(false);
    const now = lstatSync(join(conf, 'y.conf'));
    expect({ mode: now.mode & 0o777, uid: now.uid, mtimeMs: Math.round(now.mtimeMs) }).toEqual({ mode: 0o640, uid: 0, mtimeMs: Math.round(mtimeMs) });
    expect(readFileSync(join(conf, 'y.conf'), 'utf8')).toBe('# y\n');
    expect(await readPendingWebChange(deps.stateDir)).toBeUndefined();
    rmSync(link);
  });

  test('a program that fails half-way', async () => {
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b')), { kind: 'run', argv: ['false'], why: 'fail' }] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
    expect(await served()).toBe(keys.a);
  });

  test('a server that did not run is left stopped', async () => {
    stop();
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b', '', badKey))], proofs: [proof('b')] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(error.message).toContain('stopped as it was');
    expect(await pid()).toBeUndefined();
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
  });

  test('a roll back that does not help says that the server is down', async () => {
    // what served was loaded from a file that was lost meanwhile: no roll back can know it
    rmSync(join(base, 'b.crt'));
    writeFileSync(site, siteText('a').replace('a.crt', 'lost.crt'));
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b', '', badKey).replace('b.crt', 'a.crt'))], proofs: [proof('b')] }), deps));
    expect(error.code).toBe('WEB_DOWN');
    expect(error.details).toHaveProperty('rollBack');
    keys.b = makeKey('b');
  });
});

describe.skipIf(reason !== undefined)('interrupted', () => {
  test('while files were changed, or while the server was restarted: the next start puts it back', async () => {
    for (const phase of ['changing', 'applying'] as const) {
      const journal = await openJournal(deps.stateDir);
      await executeWebChange(change({ changes: [write(siteText('b'))], apply: 'pending-restart' }), deps);
      const unit = await journal.read();
      expect(unit?.phase).toBe('pending');
      if (unit === undefined) return;
      await journal.write({ ...unit, phase });
      if (phase === 'applying') stop();
      expect(await recoverWeb(deps)).toBe(true);
      expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
      expect(await served()).toBe(keys.a);
      expect(await recoverWeb(deps)).toBe(false);
    }
  });
});

describe.skipIf(reason !== undefined)('PINs', () => {
  test('a PIN is proven once before anything is touched', async () => {
    const secretFile: WebChange['changes'][number] = { kind: 'write_file', path: pinFile, content: { from: 'secret', text: new Secret(rightPin) }, mode: 0o640 };
    await executeWebChange(change({ changes: [secretFile, write(siteText('b'))], pins: pins(rightPin), proofs: [proof('b')] }), deps);
    expect(logins).toEqual([rightPin]);
    await actOnWebServer({ kind: 'service', unit: 'apache2', action: 'restart' }, deps);
    expect(logins).toEqual([rightPin]);
  });

  test('a wrong PIN costs one try, changes nothing and starts nothing', async () => {
    const before = await pid();
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b'))], pins: pins('000000') }), deps));
    expect(error.code).toBe('PIN_INCORRECT');
    expect(logins).toEqual(['000000']);
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
    expect(await pid()).toBe(before);
    expect(JSON.stringify(error.toShape())).not.toContain('000000');
  });

  test('a wrong PIN that takes the token from a serving site: it is restarted, once the PIN in its file has shown to be right', async () => {
    writeFileSync(pinFile, rightPin);
    const uri = `pkcs11:token=Web;id=%01;type=private?pin-source=file:${pinFile}`;
    const parked = join(conf, 'sites-enabled', 'zz.conf');
    await executeWebChange(change({ changes: [write(siteText('a'))], pins: pins(rightPin) }), deps);
    // a second site that is not served by this test's mod_ssl names the PIN file as in use
    writeFileSync(parked, `<IfDefine Never>\nSSLCertificateKeyFile "${uri}"\n</IfDefine>\n`);
    provenPins.clear();
    logins = [];
    // a card: the wrong login resets it, and the server can sign no more
    const carding: WebDeps = { ...deps, provePin: async (step) => {
      await deps.provePin(step).catch((thrown: unknown) => { stop(); throw thrown; });
    } };
    const error = await errorOf(provePinBesideServer({ kind: 'prove_pin', module: { path: '/test/module.so' }, tokenLabel: 'Web', pin: new Secret('000000') }, carding));
    rmSync(parked);
    expect(error).toMatchObject({ code: 'PIN_INCORRECT' });
    expect(logins[0]).toBe('000000');
    expect(await served()).toBe(keys.a);
  });

  test('a PIN file that does not hold the proven PIN stops the change', async () => {
    writeFileSync(pinFile, `${rightPin}\n`);
    const error = await errorOf(executeWebChange(change({ changes: [write(siteText('b'))], pins: pins(rightPin) }), deps));
    expect(error.code).toBe('PIN_UNPROVEN');
    expect(await served()).toBe(keys.a);
  });

  test('a proven PIN is not replaced by the wrong one that it came for, even when the rest is rolled back', async () => {
    writeFileSync(pinFile, '111111');
    const newPin: WebChange['changes'][number] = { kind: 'write_file', path: pinFile, content: { from: 'secret', text: new Secret(rightPin) } };
    const error = await errorOf(executeWebChange(change({ changes: [newPin, write(siteText('b', '', badKey))], pins: pins(rightPin), proofs: [proof('b')] }), deps));
    expect(error.code).toBe('WEB_ROLLED_BACK');
    expect(error.details).toMatchObject({ notRestored: [pinFile] });
    expect(readFileSync(pinFile, 'utf8')).toBe(rightPin);
    expect(readFileSync(site, 'utf8')).toBe(siteText('a'));
    expect(await served()).toBe(keys.a);
  });

  test('a restart is refused while a PIN file in use holds something else', async () => {
    const uri = `pkcs11:token=Web;id=%01;type=private?pin-source=file:${pinFile}`;
    const parked = join(conf, 'sites-enabled', 'zz.conf');
    // names the PIN file inside a port that is never asked for: mod_ssl must not need the token for this test
    writeFileSync(parked, `<IfDefine Never>\n</IfDefine>\n`);
    writeFileSync(pinFile, rightPin);
    await executeWebChange(change({ changes: [write(siteText('a'))], pins: pins(rightPin) }), deps);
    writeFileSync(parked, siteWithPin('a').replace(`${base}/a.key\n</VirtualHost>\n</IfModule>`, `"${uri}"\n</VirtualHost>\n</IfModule>`));
    writeFileSync(pinFile, '111111');
    const before = await pid();
    const error = await errorOf(actOnWebServer({ kind: 'service', unit: 'apache2', action: 'restart' }, deps));
    rmSync(parked);
    expect(error.code).toBe('PIN_INCORRECT');
    expect(logins).toEqual([rightPin, '111111']);
    expect(await pid()).toBe(before);
    expect(await served()).toBe(keys.a);
  });
});
