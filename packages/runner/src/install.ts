import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { quoteShellWord, type Connection } from '@hsmfleet/transport';
import { PATH, runtimeName, shellCommand, stateDirScript, type MissingParts } from './agent-command.ts';
import { escapeControls } from './escape-controls.ts';
import type { AgentBundle } from './model.ts';

/** How many agents and runtimes stay on a host: an older control host may come back. */
const KEEP_AGENTS = 3;
const KEEP_RUNTIMES = 2;
const STDERR_LIMIT = 2000;

/** The host that lacks something, and how to write there. */
export interface InstallPlace {
  host: string;
  connection: Connection;
  stateDir: string | undefined;
}

/**
 * Brings what is missing to a host over further channels of its connection: each file is streamed from disk, checked
 * by SHA-256 there and appears under its name only when all is whole.
 * @returns what was sent: "agent", "runtime"
 * @throws HsmfleetError AGENT, CONNECTION_LOST, SUDO
 */
export async function install(place: InstallPlace, bundle: AgentBundle, missing: MissingParts): Promise<string[]> {
  const sent: string[] = [];
  if (missing.agent) {
    await installAgent(place, bundle);
    sent.push('agent');
  }
  if (missing.runtime) {
    await installRuntime(place, bundle, missing.platform);
    sent.push('runtime');
  }
  return sent;
}

async function installAgent(place: InstallPlace, bundle: AgentBundle): Promise<void> {
  const token = newToken();
  await Promise.all(bundle.files.map((file) => runScript(place, agentFileScript(place.stateDir, token, file), 'the agent cannot be installed', createReadStream(file.path))));
  await runScript(place, agentPlaceScript(place.stateDir, token, bundle), 'the agent cannot be installed');
}

function agentFileScript(stateDir: string | undefined, token: string, file: AgentBundle['files'][number]): string[] {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(file.name)) {
    throw new HsmfleetError('INTERNAL', `the agent's bundle has a file of a strange name: ${file.name}`);
  }
  return [
    `PATH=${PATH}`, 'umask 077', stateDirScript(stateDir), `F="$S/agent/.new-${token}"/${file.name}`,
    `mkdir -p "\${F%/*}" && cat > "$F" && ${checkSum('"$F"', file.sha256)} && chmod 500 "$F" || { rm -f "$F"; exit 1; }`,
  ];
}

/** Checks copies that nobody else can be writing to any more: sudoers may let a user do this and no other thing as root. */
function agentPlaceScript(stateDir: string | undefined, token: string, bundle: AgentBundle): string[] {
  const folders = [...new Set(bundle.files.map(({ name }) => name.split('/').slice(0, -1).join('/')).filter((folder) => folder !== ''))];
  return [
    `PATH=${PATH}`, 'umask 077', stateDirScript(stateDir), `D="$S/agent/${bundle.hash}"`, `N="$S/agent/.new-${token}"`, 'C=$(mktemp -d "$S/agent/.new-XXXXXX") || exit',
    ...folders.map((folder) => `mkdir -p "$C"/${folder}`),
    ...bundle.files.map(({ name, sha256 }) => `{ cp "$N"/${name} "$C"/${name} && ${checkSum(`"$C"/${name}`, sha256)} && chmod 500 "$C"/${name}; } || { rm -rf "$C" "$N"; exit 1; }`),
    'rm -rf "$N"', putInPlace('"$C"', '"$D/agent.js"'),
    prune('agent', bundle.hash, KEEP_AGENTS),
  ];
}

async function installRuntime(place: InstallPlace, bundle: AgentBundle, platform: string): Promise<void> {
  const runtime = bundle.runtimes.get(platform);
  if (runtime === undefined) {
    const known = [...bundle.runtimes.keys()].join(', ');
    throw new HsmfleetError('AGENT', `${place.host} has no Node that fits, and there is no runtime for ${platform} to send`, {
      host: place.host,
      hint: `install Node 20 or newer on the host${known === '' ? '' : ` (runtimes are here for ${known})`}`,
    });
  }
  await runScript(place, runtimeScript(place.stateDir, platform, runtime), 'the Node runtime cannot be installed', createReadStream(runtime.path));
}

function runtimeScript(stateDir: string | undefined, platform: string, runtime: { version: string; sha256: string; compression: 'gzip' | 'none' }): string[] {
  const name = runtimeName(runtime.version, platform);
  const unpack = runtime.compression === 'gzip' ? 'gunzip -c "$T/packed" > "$T/node" && rm -f "$T/packed"' : 'mv "$T/packed" "$T/node"';
  return [
    `PATH=${PATH}`, 'umask 077', stateDirScript(stateDir), `D="$S/runtime/"${quoteShellWord(name)}`, 'mkdir -p "$S/runtime"', 'T=$(mktemp -d "$S/runtime/.new-XXXXXX") || exit',
    `cat > "$T/packed" && ${checkSum('"$T/packed"', runtime.sha256)} && ${unpack} && chmod 700 "$T/node" || { rm -rf "$T"; exit 1; }`,
    putInPlace('"$T"', '"$D/node"'),
    prune('runtime', name, KEEP_RUNTIMES),
  ];
}

/**
 * Every command line that installs an agent of this bundle, for sudoers.
 * @param token stands where a name that is new each time will be: {@link TOKEN_DIGITS} hex digits
 */
export function installCommands(bundle: AgentBundle, token: string): string[] {
  return [
    ...bundle.files.map((file) => agentFileScript(undefined, token, file)),
    agentPlaceScript(undefined, token, bundle),
    ...[...bundle.runtimes].map(([platform, runtime]) => runtimeScript(undefined, platform, runtime)),
  ].map((script) => shellCommand(script.join('; ')));
}

/** A condition that holds when the file has that SHA-256; says so on stderr when not. */
function checkSum(file: string, sha256: string): string {
  return `{ H=$(sha256sum < ${file}); [ "\${H%% *}" = ${sha256} ] || { echo "it arrived damaged" >&2; false; }; }`;
}

/**
 * Moves a complete directory to $D. A run beside this one may have been faster: what is there whole stays, since a
 * program may run from it; a draft that lost the race by a hair ends up inside $D and is removed.
 */
function putInPlace(draft: string, proof: string): string {
  return `if [ -f ${proof} ]; then rm -rf ${draft}; else if [ -d "$D" ]; then rm -rf "$D"; fi; mv ${draft} "$D" && rm -rf "$D"/.new-*; fi || exit`;
}

/** Removes all but the newest, and what broken installations left more than an hour ago. */
function prune(directory: string, current: string, keep: number): string {
  return [
    `touch "$S/${directory}/"${quoteShellWord(current)}`,
    `cd "$S/${directory}" || exit`,
    `ls -1t | tail -n +${String(keep + 1)} | while read -r O; do rm -rf "./$O"; done`,
    `find . -maxdepth 1 -name ".new-*" -mmin +60 -exec rm -rf {} +`,
  ].join('; ');
}

async function runScript(place: InstallPlace, script: string[], what: string, source?: Readable): Promise<void> {
  const channel = await place.connection.exec(shellCommand(script.join('; ')), { become: true });
  let stderr = '';
  channel.stderr.on('data', (chunk: Buffer) => { stderr = (stderr + chunk.toString('utf8')).slice(0, STDERR_LIMIT); });
  channel.stdout.resume();
  const drained = new Promise((resolve) => { channel.stderr.once('end', resolve).once('close', resolve); });
  let broken: unknown;
  if (source === undefined) channel.stdin.end();
  // not awaited: when the program ends early, a channel may leave its last write unanswered
  else pipeline(source, channel.stdin).catch((error: unknown) => { broken = error; });
  const exit = await channel.exit;
  source?.destroy();
  if (exit.code === 0) return;
  if (exit.lost === true) throw new HsmfleetError('CONNECTION_LOST', `the connection to ${place.host} was lost while files were sent`, { host: place.host });
  await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 500))]);
  const said = escapeControls(stderr).trim();
  throw new HsmfleetError('AGENT', `${what} on ${place.host}: ${said === '' ? `sh ended with ${String(exit.code ?? exit.signal)}` : said}`, {
    host: place.host,
    cause: broken,
    hint: 'is there space, and may the user write there? hsmfleet keeps its files in /var/lib/hsmfleet (root) or ~/.local/state/hsmfleet: a user without a home folder of its own cannot be the become_user',
  });
}

/** Hex digits of the name of a draft. */
export const TOKEN_DIGITS = 12;

function newToken(): string {
  return randomBytes(TOKEN_DIGITS / 2).toString('hex');
}
