import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ModuleTarget } from '@hsmfleet/resource';
import { buildSync } from 'esbuild';

/** Real tokens for tests: SoftHSM in a temporary folder, the same behind a write-protected p11-kit server, a spy. */

const LIBRARIES = {
  softhsm: '/usr/lib/softhsm/libsofthsm2.so',
  p11KitClient: '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so',
  spy: '/usr/lib/x86_64-linux-gnu/pkcs11-spy.so',
} as const;

/** Why tests with tokens cannot run here; undefined when they can. */
export function whyNoTokens(): string | undefined {
  const missing = [...Object.values(LIBRARIES), '/usr/bin/softhsm2-util', '/usr/bin/pkcs11-tool', '/usr/bin/p11-kit'].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')} (Debian: softhsm2 opensc p11-kit p11-kit-modules)`;
}

/**
 * How to start the child of this package. It is bundled first, as it is for hosts: a child that loads its sources one by
 * one takes several times as long to start.
 */
export function childArgvForTests(): string[] {
  return bundled('child-main.ts');
}

/** How to start the child of the station, bundled as well. */
export function stationChildArgvForTests(): string[] {
  return bundled('station/station-process.ts');
}

function bundled(source: string): string[] {
  const dist = fileURLToPath(new URL('../dist/', import.meta.url));
  const name = basename(source, '.ts');
  const bundle = join(dist, `${name}.mjs`);
  const unfinished = join(dist, `${name}.${process.pid}.${Math.random().toString(36).slice(2)}.mjs`);
  buildSync({ entryPoints: [fileURLToPath(new URL(source, import.meta.url))], bundle: true, format: 'esm', platform: 'node', outfile: unfinished, logLevel: 'warning' });
  renameSync(unfinished, bundle);
  return [process.execPath, bundle];
}

export type KeyKind = 'rsa1024' | 'rsa2048' | 'p256' | 'p384';

const OPENSSL_KEYS: Record<KeyKind, string[]> = {
  rsa1024: ['rsa:1024'],
  rsa2048: ['rsa:2048'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
};

const C_PROLOGUE = `
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>
#include "pkcs11.h"
static CK_FUNCTION_LIST list, *real;`;

/** A SoftHSM token in a folder of its own. */
export interface SoftToken {
  folder: string;
  label: string;
  pin: string;
  /** SoftHSM itself: writable. */
  target: ModuleTarget;
  /** Adds a key pair and its certificate with this id (hex); returns the certificate as PEM. */
  addKey(kind: KeyKind, id: string, label: string, subject?: string): string;
  /** Gives the token another PIN, as a station would. */
  changePin(from: string, to: string): void;
  /** The same token through pkcs11-spy, which logs every call. */
  spied(): { target: ModuleTarget; calls(): string[] };
  /**
   * The same token through a module that behaves otherwise in some calls: `code` is C, `overrides` maps functions of
   * the standard to functions of the code; `real->C_…` calls SoftHSM.
   */
  distorted(name: string, code: string, overrides: Record<string, string>): ModuleTarget;
  /** The same token through `p11-kit server … write-protected=yes`: read-only. */
  serveReadOnly(): Promise<{ target: ModuleTarget; pid: number }>;
  remove(): void;
}

/** Makes a token; `remove` it afterwards. */
export function makeSoftToken(label = 'Test Token', pin = '648219'): SoftToken {
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  mkdirSync(join(folder, 'tokens'));
  const conf = join(folder, 'softhsm2.conf');
  writeFileSync(conf, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`);
  const env = { SOFTHSM2_CONF: conf };
  const run = (program: string, ...argv: string[]): void => {
    execFileSync(program, argv, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  run('softhsm2-util', '--init-token', '--free', '--label', label, '--so-pin', '11111111', '--pin', pin);
  const servers: number[] = [];
  return {
    folder, label, pin,
    target: { path: LIBRARIES.softhsm, env },
    addKey(kind, id, keyLabel, subject = `/CN=${keyLabel}`) {
      run('openssl', 'req', '-x509', '-newkey', ...OPENSSL_KEYS[kind], '-nodes', '-keyout', 'key', '-out', 'crt', '-days', '30', '-subj', subject);
      run('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', 'key', '-out', 'p8');
      run('softhsm2-util', '--import', 'p8', '--token', label, '--label', keyLabel, '--id', id, '--pin', pin);
      run('openssl', 'x509', '-in', 'crt', '-outform', 'DER', '-out', 'der');
      run('pkcs11-tool', '--module', LIBRARIES.softhsm, '--token-label', label, '--login', '--pin', pin, '--write-object', 'der', '--type', 'cert', '--id', id, '--label', keyLabel);
      return readFileSync(join(folder, 'crt'), 'utf8');
    },
    changePin(from, to) {
      run('pkcs11-tool', '--module', LIBRARIES.softhsm, '--token-label', label, '--login', '--pin', from, '--change-pin', '--new-pin', to);
    },
    spied() {
      const log = join(folder, `spy-${Math.random().toString(36).slice(2)}.log`);
      const target = { path: LIBRARIES.spy, env: { ...env, PKCS11SPY: LIBRARIES.softhsm, PKCS11SPY_OUTPUT: log } };
      const calls = (): string[] => (existsSync(log) ? [...readFileSync(log, 'utf8').matchAll(/^\d+: (C_\w+)/gm)].map((match) => match[1] ?? '') : []);
      return { target, calls };
    },
    distorted(name, code, overrides) {
      const path = join(folder, `${name}.so`);
      const headers = dirname(createRequire(import.meta.url).resolve('pkcs11js/package.json'));
      const assignments = Object.entries(overrides).map(([function_, replacement]) => `list.${function_} = ${replacement};`).join('\n');
      execFileSync('gcc', ['-shared', '-fPIC', `-I${join(headers, 'includes', 'pkcs11')}`, '-x', 'c', '-', '-o', path, '-ldl'], {
        input: `${C_PROLOGUE}\n${code}\nCK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
          CK_C_GetFunctionList get = dlsym(dlopen("${LIBRARIES.softhsm}", RTLD_NOW), "C_GetFunctionList");
          CK_RV rv = get(&real);
          if (rv != CKR_OK) return rv;
          list = *real;
          ${assignments}
          *out = &list;
          return CKR_OK;
        }`,
      });
      return { path, env };
    },
    async serveReadOnly() {
      const socket = join(folder, 'p11');
      const server = spawn('p11-kit', ['server', '-f', '-n', socket, '--provider', LIBRARIES.softhsm, `pkcs11:token=${encodeURIComponent(label)}?write-protected=yes`], {
        cwd: folder, env: { ...process.env, ...env }, stdio: 'ignore',
      });
      if (server.pid === undefined) throw new Error('p11-kit cannot be started');
      servers.push(server.pid);
      for (let tries = 0; !existsSync(socket); tries += 1) {
        if (tries > 100 || server.exitCode !== null) throw new Error('p11-kit server does not come up');
        await sleep(50);
      }
      return { target: { path: LIBRARIES.p11KitClient, env: { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` } }, pid: server.pid };
    },
    remove() {
      // SIGKILL also ends a server that a test has stopped
      for (const pid of servers) try { process.kill(pid, 'SIGKILL'); } catch { /* it ended already */ }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
