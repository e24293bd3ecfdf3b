import { quoteShellWord } from '@hsmfleet/transport';
import type { AgentBundle } from './model.ts';

/** Exit code of the start command when the agent or a runtime is missing; a line on stdout says what. */
export const EXIT_MISSING = 86;
/** Exit code of the agent's first lines when the Node that runs them is too old; they print the same line. */
export const EXIT_NODE_TOO_OLD = 87;

/** State directory when the agent runs as root. */
export const ROOT_STATE_DIR = '/var/lib/hsmfleet';

/** Where programs of a host are, whatever sudoers or a login shell says of it. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a host lacks, and what kind of machine it is. */
export interface MissingParts {
  agent: boolean;
  runtime: boolean;
  /** Key of {@link AgentBundle.runtimes}: "linux-x64", "linux-arm64", "linux-x64-musl". */
  platform: string;
}

/** A script as a command line that every login shell hands to /bin/sh unchanged. */
export function shellCommand(script: string): string {
  return `exec /bin/sh -c ${quoteShellWord(script)}`;
}

/** Sets $S to the state directory: root's, or the user's own. */
export function stateDirScript(stateDir: string | undefined): string {
  if (stateDir !== undefined) return `S=${quoteShellWord(stateDir)}`;
  return `S=${ROOT_STATE_DIR}; [ -w /var/lib ] || S="$HOME/.local/state/hsmfleet"`;
}

/** Directory name of a runtime under runtime/. */
export function runtimeName(version: string, platform: string): string {
  return `${version}-${platform}`;
}

/**
 * The command that starts the agent when all is there, and otherwise prints `hsmfleet-missing PARTS MACHINE LIBC`
 * and ends with {@link EXIT_MISSING}. A pushed runtime wins over the system's Node, whose age the agent itself judges.
 * The environment is emptied: NODE_OPTIONS and the like change what a program does, and cost time.
 */
export function startCommand(bundle: AgentBundle, options: { stateDir?: string | undefined; systemNode: boolean }): string {
  const runtimes = [...bundle.runtimes].map(([platform, { version }]) => quoteShellWord(runtimeName(version, platform)));
  return shellCommand([
    'umask 077',
    // what crashes holds PINs; those who look for a defect may raise the limit again
    'ulimit -S -c 0 2>/dev/null',
    stateDirScript(options.stateDir),
    `A="$S/agent/${bundle.hash}/agent.js"`,
    'N=',
    ...(runtimes.length === 0 ? [] : [`for R in ${runtimes.join(' ')}; do if [ -x "$S/runtime/$R/node" ]; then N="$S/runtime/$R/node"; break; fi; done`]),
    `PATH=${PATH}`,
    ...(options.systemNode ? ['[ -n "$N" ] || N=$(command -v node || command -v nodejs)'] : []),
    'M=',
    '[ -f "$A" ] || M=agent',
    '[ -n "$N" ] || M="$M${M:+,}runtime"',
    `if [ -n "$M" ]; then L=glibc; for F in /lib/ld-musl-*; do [ ! -e "$F" ] || L=musl; done; echo "hsmfleet-missing $M $(uname -m) $L"; exit ${String(EXIT_MISSING)}; fi`,
    'exec env -i PATH="$PATH" HOME="${HOME:-/}" LANG=C.UTF-8 "$N" "$A" serve --state "$S"',
  ].join('; '));
}

/** Reads the start command's line; undefined when it is not there. */
export function parseMissing(text: string): MissingParts | undefined {
  const match = /^hsmfleet-missing ([a-z,]+) (\S+) (glibc|musl)$/m.exec(text);
  if (match === null) return undefined;
  const [, parts = '', machine = '', libc] = match;
  const cpu = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64', armv7l: 'arm' }[machine] ?? machine;
  return { agent: parts.includes('agent'), runtime: parts.includes('runtime'), platform: `linux-${cpu}${libc === 'musl' ? '-musl' : ''}` };
}
