import { execFile } from 'node:child_process';
import { homedir, hostname as ownHostname, userInfo } from 'node:os';
import { promisify } from 'node:util';
import { HsmfleetError } from '@hsmfleet/contract';
import type { HostTarget } from '@hsmfleet/transport';
import { parseSshArgs, splitConfigWords, type SshArgs } from './ssh-args.ts';
import { isConfigSameForAllHosts } from './ssh-config-scope.ts';

/** How to reach one host, after the hosts file, the ssh arguments and OpenSSH's configuration were heard. */
export interface SshOptions {
  hostname: string;
  port: number;
  user: string;
  /** Key files that a person named for this host: they must be readable. */
  requiredIdentityFiles: string[];
  /** Key files from OpenSSH's configuration or its defaults: used when they are there. */
  optionalIdentityFiles: string[];
  /** Offer keys of the agent only when they belong to one of the files. */
  identitiesOnly: boolean;
  /** Socket of the agent. */
  identityAgent: string | undefined;
  /** The user's files first; the first one is where new keys go. */
  knownHostsFiles: string[];
  revokedHostKeysFile: string | undefined;
  /** Name to look up in known_hosts instead of the host name. */
  hostKeyAlias: string | undefined;
  /** Hops, first one first. */
  proxyJump: string[];
  proxyCommand: string | undefined;
  bindAddress: string | undefined;
  connectTimeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => `~/.ssh/${name}`);
const DEFAULT_SETTINGS: ReadonlyMap<string, string[]> = new Map([
  ['userknownhostsfile', ['~/.ssh/known_hosts ~/.ssh/known_hosts2']],
  ['globalknownhostsfile', ['/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2']],
]);

/** Answers how to reach hosts. Keep one per run: it remembers what `ssh -G` said. */
export interface SshOptionsResolver {
  /** @throws HsmfleetError UNREACHABLE when OpenSSH refuses its own configuration */
  resolve(target: HostTarget): Promise<SshOptions>;
}

/** @param ssh the OpenSSH client; without one, only the hosts file and the arguments are heard */
export function createSshOptionsResolver(ssh = 'ssh'): SshOptionsResolver {
  const answers = new Map<string, Promise<Map<string, string[]> | undefined>>();
  const sameForAll = new Map<string | undefined, boolean>();

  /** What `ssh -G` prints; undefined when there is no OpenSSH. */
  function ask(target: HostTarget, args: SshArgs): Promise<Map<string, string[]> | undefined> {
    let same = sameForAll.get(args.configFile);
    if (same === undefined) {
      same = isConfigSameForAllHosts(args.configFile);
      sameForAll.set(args.configFile, same);
    }
    const words = [
      ...(target.port === undefined || same ? [] : ['-p', String(target.port)]),
      ...(target.user === undefined || same ? [] : ['-l', target.user]),
      ...(target.sshArgs ?? []),
    ];
    const key = JSON.stringify(same ? words : [...words, addressOf(target)]);
    let answer = answers.get(key);
    if (answer === undefined) {
      answer = runSshG(ssh, words, target);
      answers.set(key, answer);
    }
    return answer.then((settings) => {
      if (settings === undefined || !same) return settings;
      const own = new Map(settings);
      own.delete('hostname');
      return own;
    });
  }

  return {
    async resolve(target) {
      const args = parseSshArgs(target.sshArgs ?? []);
      const noConfig = args.configFile === '/dev/null' || args.configFile?.toLowerCase() === 'none';
      const settings = noConfig && !args.foreign ? undefined : await ask(target, args);
      return combine(target, args, settings);
    },
  };
}

async function runSshG(ssh: string, words: readonly string[], target: HostTarget): Promise<Map<string, string[]> | undefined> {
  try {
    const { stdout } = await promisify(execFile)(ssh, ['-G', ...words, '--', addressOf(target)], { timeout: 10_000, maxBuffer: 1 << 20 });
    const settings = new Map<string, string[]>();
    for (const line of stdout.split('\n')) {
      const blank = line.indexOf(' ');
      if (blank < 0) continue;
      const name = line.slice(0, blank);
      settings.set(name, [...(settings.get(name) ?? []), line.slice(blank + 1)]);
    }
    return settings;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const said = (cause as { stderr?: string }).stderr?.trim();
    throw new HsmfleetError('UNREACHABLE', `ssh -G does not accept the configuration for ${target.name}: ${said ?? String(cause)}`, {
      host: target.name, cause, hint: 'check ansible_ssh_common_args and ~/.ssh/config',
    });
  }
}

function addressOf(target: HostTarget): string {
  return target.address ?? target.name;
}

function combine(target: HostTarget, args: SshArgs, configured: Map<string, string[]> | undefined): SshOptions {
  const settings = configured ?? new Map([...DEFAULT_SETTINGS, ...args.options]);
  const first = (name: string): string | undefined => {
    const value = settings.get(name)?.[0];
    return value === undefined || value.toLowerCase() === 'none' ? undefined : value;
  };
  const hostname = (first('hostname') ?? addressOf(target)).replace('%h', addressOf(target));
  const port = target.port ?? Number(first('port') ?? 22);
  const user = target.user ?? first('user') ?? userInfo().username;
  const expand = (path: string): string => expandTokens(path, { hostname, port, user, name: addressOf(target) });
  const files = (name: string): string[] => splitConfigWords(first(name) ?? '').map(expand);

  const required = [...(target.identityFile === undefined ? [] : [target.identityFile]), ...(args.options.get('identityfile') ?? [])].map(expand);
  const optional = (settings.get('identityfile') ?? DEFAULT_IDENTITIES).map(expand).filter((file) => !required.includes(file));
  const seconds = Number(first('connecttimeout') ?? 0);
  const agent = first('identityagent') ?? 'SSH_AUTH_SOCK';
  const noAgent = settings.get('identityagent')?.[0]?.toLowerCase() === 'none';
  return {
    hostname,
    port,
    user,
    requiredIdentityFiles: required,
    optionalIdentityFiles: optional,
    identitiesOnly: first('identitiesonly') === 'yes',
    identityAgent: noAgent ? undefined : agent === 'SSH_AUTH_SOCK' ? process.env.SSH_AUTH_SOCK : expand(agent),
    knownHostsFiles: [...files('userknownhostsfile'), ...files('globalknownhostsfile')],
    revokedHostKeysFile: files('revokedhostkeys')[0],
    hostKeyAlias: first('hostkeyalias'),
    proxyJump: (first('proxyjump') ?? '').split(',').map((hop) => hop.trim()).filter((hop) => hop !== ''),
    proxyCommand: first('proxycommand'),
    bindAddress: first('bindaddress'),
    connectTimeoutMs: target.connectTimeoutMs ?? (seconds > 0 ? seconds * 1000 : DEFAULT_TIMEOUT_MS),
  };
}

/** `~/`, `%h` and friends, `${VARIABLE}` in the paths of ssh_config. */
function expandTokens(path: string, of: { hostname: string; port: number; user: string; name: string }): string {
  const tokens: Record<string, string> = {
    '%': '%', h: of.hostname, n: of.name, p: String(of.port), r: of.user, u: userInfo().username, d: homedir(),
    i: String(userInfo().uid), L: ownHostname().split('.')[0] ?? '', l: ownHostname(),
  };
  return path
    .replace(/^~(?=\/|$)/, homedir())
    .replaceAll(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
    .replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => process.env[name] ?? '');
}
