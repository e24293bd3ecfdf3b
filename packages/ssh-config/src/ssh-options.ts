import { homedir, hostname as ownHostname, userInfo } from 'node:os';
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
  addressFamily: 'any' | 'inet' | 'inet6';
  connectTimeoutMs: number;
  /** ServerAliveInterval and ServerAliveCountMax, when OpenSSH's configuration asks for them. */
  keepalive: { intervalMs: number; countMax: number } | undefined;
  /** Files of user certificates that were named (CertificateFile). */
  certificateFiles: string[];
  /** What may be negotiated; a list is undefined where nothing was said of it. */
  algorithms: AllowedAlgorithms;
  logins: AllowedLogins;
  /** New entries in known_hosts hide the host's name. */
  hashKnownHosts: boolean;
  /** As given: it is never heard, but whoever set it wants to know. */
  strictHostKeyChecking: string;
  /** Settings that only OpenSSH itself can follow: `KnownHostsCommand`, `PKCS11Provider`, … */
  onlyOpenSsh: string[];
}

/** Algorithm names as OpenSSH writes them, best first. */
export interface AllowedAlgorithms {
  kex: string[] | undefined;
  ciphers: string[] | undefined;
  macs: string[] | undefined;
  hostKeys: string[] | undefined;
  /** Signatures of the user's keys. */
  publicKeys: string[] | undefined;
}

/** Ways to log in that the configuration leaves open. */
export interface AllowedLogins {
  publicKey: boolean;
  password: boolean;
  keyboardInteractive: boolean;
  /** PreferredAuthentications: only these, in this order. */
  preferred: string[] | undefined;
}

/**
 * Has OpenSSH say its configuration: the words behind `ssh -G`.
 * @returns what it printed; undefined when there is no OpenSSH
 * @throws the error of the process, with its `stderr`, when it refuses
 */
export type AskSshConfig = (words: readonly string[]) => Promise<string | undefined>;

/** Settings that another implementation of SSH cannot follow, when they are not switched off. */
const ONLY_OPENSSH: Readonly<Record<string, string>> = {
  knownhostscommand: 'KnownHostsCommand', pkcs11provider: 'PKCS11Provider', bindinterface: 'BindInterface', proxyusefdpass: 'ProxyUseFdpass',
};

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

/** @param askSsh OpenSSH; where it is missing, only the hosts file and the arguments are heard */
export function createSshOptionsResolver(askSsh: AskSshConfig): SshOptionsResolver {
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
      answer = readSettings(askSsh, words, target);
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

async function readSettings(askSsh: AskSshConfig, words: readonly string[], target: HostTarget): Promise<Map<string, string[]> | undefined> {
  try {
    const printed = await askSsh([...words, '--', addressOf(target)]);
    if (printed === undefined) return undefined;
    const settings = new Map<string, string[]>();
    for (const line of printed.split('\n')) {
      const blank = line.indexOf(' ');
      if (blank < 0) continue;
      const name = line.slice(0, blank);
      settings.set(name, [...(settings.get(name) ?? []), line.slice(blank + 1)]);
    }
    return settings;
  } catch (cause) {
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
  const family = first('addressfamily');
  const aliveSeconds = Number(first('serveraliveinterval') ?? 0);
  const list = (name: string): string[] | undefined => first(name)?.split(',').map((word) => word.trim()).filter((word) => word !== '');
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
    addressFamily: family === 'inet' || family === 'inet6' ? family : 'any',
    connectTimeoutMs: target.connectTimeoutMs ?? (seconds > 0 ? seconds * 1000 : DEFAULT_TIMEOUT_MS),
    keepalive: aliveSeconds > 0 ? { intervalMs: aliveSeconds * 1000, countMax: Number(first('serveralivecountmax') ?? 3) } : undefined,
    certificateFiles: (settings.get('certificatefile') ?? []).filter((file) => file.toLowerCase() !== 'none').map(expand),
    algorithms: { kex: list('kexalgorithms'), ciphers: list('ciphers'), macs: list('macs'), hostKeys: list('hostkeyalgorithms'), publicKeys: list('pubkeyacceptedalgorithms') },
    logins: {
      publicKey: !isOff(first('pubkeyauthentication')),
      password: !isOff(first('passwordauthentication')),
      keyboardInteractive: !isOff(first('kbdinteractiveauthentication')),
      preferred: list('preferredauthentications'),
    },
    hashKnownHosts: first('hashknownhosts') === 'yes',
    strictHostKeyChecking: first('stricthostkeychecking') ?? 'ask',
    onlyOpenSsh: Object.entries(ONLY_OPENSSH).filter(([name]) => first(name) !== undefined && !isOff(first(name))).map(([, name]) => name),
  };
}

/** `no`, or `false` as `ssh -G` prints it. */
function isOff(value: string | undefined): boolean {
  return value === 'no' || value === 'false';
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
