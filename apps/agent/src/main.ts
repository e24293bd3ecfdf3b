import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LET_GO, serve } from '@hsmfleet/agent-runtime';
import { createLinuxHost, runCardServiceChild } from '@hsmfleet/linux-host';
import type { WriteHost } from '@hsmfleet/resource';
import { loadResource } from '@hsmfleet/resources/lazy';
import { createLazyPkcs11 } from './lazy-pkcs11.ts';

/** Replaced by the bundler. */
declare const AGENT_VERSION: string;

/**
 * Handed in by the agent's first lines: keeps what is compiled by now beside the program, when some of the named parts
 * were not yet in what is kept.
 */
declare const keepCompiled: (parts: string[]) => void;

/** Where the state lies unless `--state` says otherwise. */
const DEFAULT_STATE = '/var/lib/hsmfleet';

const program = resolve(process.argv[1] ?? '.');
void main(process.argv.slice(2)).catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  process.exit(1);
});

/** No await at the top: the bundle is CommonJS, which has none. */
async function main([mode = 'serve', ...rest]: readonly string[]): Promise<void> {
  switch (mode) {
    case 'serve': return serveStdio(rest);
    case 'pkcs11-child': return (await import('@hsmfleet/pkcs11/child')).runPkcs11Child();
    case 'pcscd-hello': return runCardServiceChild(rest);
    case 'tls-load': (await import('@hsmfleet/tls-load')).runTlsLoad(); return;
    default:
      process.stderr.write(`unknown mode ${mode}: the agent knows serve [--state DIR], pkcs11-child, pcscd-hello and tls-load\n`);
      process.exitCode = 1;
  }
}

async function serveStdio(args: readonly string[]): Promise<void> {
  // sshd and sudo may hang up when the connection is cut; the run goes on all the same
  for (const signal of ['SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => undefined);
  const terminated = new AbortController();
  process.on('SIGTERM', () => terminated.abort());
  const letGo = new AbortController();
  process.on(LET_GO, () => letGo.abort());
  const at = args.indexOf('--state');
  const stateDir = resolve((at === -1 ? undefined : args[at + 1]) ?? DEFAULT_STATE);
  const used = new Set<string>();
  await serve({
    stateDir,
    version: AGENT_VERSION,
    platform: `linux-${process.arch}-${hasMusl() ? 'musl' : 'glibc'}`,
    input: process.stdin,
    output: process.stdout,
    resources(name) {
      used.add(name);
      return loadResource(name);
    },
    signal: terminated.signal,
    letGo: letGo.signal,
    createHost: async (wiring) => {
      const child = (mode: string): string[] => [process.execPath, program, mode];
      const pkcs11 = createLazyPkcs11({ childArgv: child('pkcs11-child'), stateDir });
      return forgetting(await createLinuxHost({ stateDir, pkcs11, loadClient: child('tls-load'), cardServiceChild: child('pcscd-hello'), ...wiring }), () => pkcs11.invalidate());
    },
  });
  // only where it was installed: there, nobody else may write
  if (program.startsWith(`${join(stateDir, 'agent')}/`)) keepCompiled([...used]);
  // a child that a resource left behind must not keep the agent alive
  process.exit();
}

/** Any step may change what a token or its reader shows: what was observed before is not believed afterwards. */
function forgetting(host: WriteHost, forget: () => void): WriteHost {
  return {
    ...host,
    async execute(step, context) {
      try {
        return await host.execute(step, context);
      } finally {
        forget();
      }
    },
  };
}

function hasMusl(): boolean {
  return statSync(`/lib/ld-musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`, { throwIfNoEntry: false }) !== undefined;
}
