import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLinuxHost } from '@hsmfleet/linux-host';
import { createPkcs11Port } from '@hsmfleet/pkcs11';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import type { AnyResource, ExecuteContext, ModuleTarget, ReadHost, Step, WebChange } from '@hsmfleet/resource';
import { expect } from 'vitest';
import { executeWebChange } from '../../../../linux-host/src/web-change/index.ts';

/** A Debian Apache of its own in a temporary folder, and a SoftHSM token behind a write-protected p11-kit server. */
export interface ApacheBench {
  base: string;
  conf: string;
  port: number;
  token: SoftToken;
  module: ModuleTarget;
  host: ReadHost;
  /** What a resource would do now. */
  plan(resource: AnyResource, params: Record<string, unknown>): Promise<Step[]>;
  /** As the agent does: steps, then a second look that must find nothing left, then the resource's own proof. */
  apply(resource: AnyResource, params: Record<string, unknown>): Promise<Step[]>;
  execute(step: Step): Promise<void>;
  /** Looks at tokens anew, as the next run would. */
  forget(): void;
  remove(): Promise<void>;
}

/** Why the bench cannot be built here; undefined when it can. */
export function whyNoApache(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/usr/sbin/apache2ctl')) return 'needs apache2';
  return whyNoTokens();
}

const freePort = (): Promise<number> => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0); });
  });
});

/** Nothing runs yet; `remove` it afterwards. */
export async function makeApacheBench(): Promise<ApacheBench> {
  const base = mkdtempSync(join(tmpdir(), 'hsmfleet-site-'));
  chmodSync(base, 0o755);
  const conf = join(base, 'conf');
  const token = makeSoftToken('Web HSM');
  token.addKey('rsa1024', '01', 'old');
  token.addKey('rsa2048', '02', 'rsa');
  token.addKey('p256', '03', 'ec');
  const module = (await token.serveReadOnly()).target;
  // the server's user opens its own connection
  chmodSync(token.folder, 0o755);
  chmodSync(join(token.folder, 'p11'), 0o666);
  for (const folder of ['mods-available', 'mods-enabled', 'sites-available', 'sites-enabled', 'conf-available', 'conf-enabled']) mkdirSync(join(conf, folder), { recursive: true });
  for (const folder of ['www', 'run', 'log']) mkdirSync(join(base, folder));
  writeFileSync(join(base, 'www', 'index.html'), 'page\n');
  writeFileSync(join(conf, 'mime.types'), '');
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
  const stateDir = join(base, 'state');
  const context: ExecuteContext = {
    pins: { ask: () => Promise.resolve({ go: true, report: () => undefined }) },
    learn: () => undefined,
    progress: () => undefined, measured: () => undefined,
  };
  const pkcs11 = createPkcs11Port({ childArgv: childArgvForTests(), stateDir });
  const linux = await createLinuxHost({ stateDir, pkcs11, blob: (sha256) => join(base, sha256), report: () => undefined, announceArtifact: () => undefined });
  const apache = { ...linux.facts.apache, configDir: conf, errorLog: `${base}/log/error.log`, pidFile: `${base}/run/apache2.pid` };
  const host: ReadHost = { ...linux, facts: { ...linux.facts, service_mgr: 'sysvinit', apache } };
  const deps = { host, stateDir, context, applyChange: (change: WebChange['changes'][number]) => linux.execute(change, context), provePin: (step: Parameters<typeof pkcs11.provePin>[0]) => pkcs11.provePin(step, context) };
  const execute = async (step: Step): Promise<void> => {
    if (step.kind === 'web_change') await executeWebChange(step, deps);
    else await linux.execute(step, context);
  };
  const plan = async (resource: AnyResource, params: Record<string, unknown>): Promise<Step[]> => resource.plan(params, await resource.inspect(host, params, {}), {}).steps;
  return {
    base, conf, port: await freePort(), token, module, host, plan, execute,
    forget() { pkcs11.invalidate(); },
    async apply(resource, params) {
      const steps = await plan(resource, params);
      for (const step of steps) await execute(step);
      const facts = await resource.inspect(host, params, {});
      expect(resource.plan(params, facts, {}).steps).toEqual([]);
      await resource.verify?.(host, params, facts);
      return steps;
    },
    async remove() {
      await host.query(['apache2ctl', 'stop'], { env: { APACHE_CONFDIR: conf } });
      token.remove();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
