import { existsSync } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import { reachingWords, resolveHop, type SshOptions, type SshOptionsResolver } from '@hsmfleet/ssh-config';
import { quoteShellWord, type HostTarget } from '@hsmfleet/transport';

/** Variable by which a hop's ssh is told apart when it asks for something: a host's password is not for its hops. */
export const ASKED_BY = 'HSMFLEET_ASKED_BY';

/** What every ssh that is started here is told, over any configuration: first wins. */
const ALWAYS: readonly string[] = [
  // a host key is never taken unseen, whatever weakens OpenSSH elsewhere
  'StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'VerifyHostKeyDNS=no', 'NoHostAuthenticationForLocalhost=no',
  // nothing but the connection
  'ClearAllForwardings=yes', 'ForwardAgent=no', 'ForwardX11=no', 'Tunnel=no', 'RequestTTY=no', 'RemoteCommand=none',
  'ForkAfterAuthentication=no', 'EscapeChar=none', 'EnableEscapeCommandline=no', 'NumberOfPasswordPrompts=1', 'AddKeysToAgent=no',
  // how it failed is read from what it says
  'LogLevel=DEBUG1',
];

/** How logins may be tried. */
export interface LoginWays {
  /** Somebody or something answers questions for passphrases. */
  canAsk: boolean;
  /** Passwords and keyboard-interactive logins may be tried. */
  mayUsePassword: boolean;
}

/** What the connection is for: `hop` carries another connection, `host` answers to a control socket. */
type Purpose = { kind: 'host'; controlPath: string; keepalive: { intervalMs: number; countMax: number } } | { kind: 'hop'; to: SshOptions; by: string };

/**
 * The words for an ssh that logs in to a host, and to each of its jump hosts by an ssh of its own, so that every hop's
 * key is checked as strictly as the host's.
 * @throws HsmfleetError UNREACHABLE
 */
export async function masterWords(resolver: SshOptionsResolver, target: HostTarget, options: SshOptions, login: LoginWays, master: { controlPath: string; keepalive: { intervalMs: number; countMax: number }; hopName: string; ssh: string }): Promise<string[]> {
  const proxy = await proxyCommand(resolver, target, options, login, { depth: 0, by: master.hopName, ssh: master.ssh });
  return connectWords(target, options, login, proxy, { kind: 'host', controlPath: master.controlPath, keepalive: options.keepalive ?? master.keepalive });
}

/** The command that reaches a host through its jump hosts; undefined when OpenSSH goes there by itself. */
async function proxyCommand(resolver: SshOptionsResolver, target: HostTarget, options: SshOptions, login: LoginWays, way: { depth: number; by: string; ssh: string }): Promise<string | undefined> {
  if (options.proxyJump.length === 0) return undefined;
  const hop = await resolveHop(resolver, target, options, way.depth);
  const before = await proxyCommand(resolver, hop.target, hop.options, login, { ...way, depth: way.depth + 1 });
  const words = connectWords(hop.target, hop.options, login, before, { kind: 'hop', to: options, by: way.by });
  return ['env', `${ASKED_BY}=${way.by}`, way.ssh, ...words].map(quoteShellWord).join(' ');
}

function connectWords(target: HostTarget, options: SshOptions, login: LoginWays, proxy: string | undefined, purpose: Purpose): string[] {
  const { words, stray } = reachingWords(target.sshArgs ?? []);
  if (stray.length > 0) {
    throw new HsmfleetError('UNREACHABLE', `the ssh arguments of ${target.name} hold what is no option: ${stray.join(' ')}`, { host: target.name, hint: 'check ansible_ssh_common_args and ansible_ssh_extra_args' });
  }
  const settings = [
    ...ALWAYS,
    ...(login.canAsk ? ['BatchMode=no'] : ['BatchMode=yes']),
    ...(login.mayUsePassword && purpose.kind === 'host' ? [] : ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=no']),
    `ConnectTimeout=${String(Math.max(1, Math.ceil(options.connectTimeoutMs / 1000)))}`,
    // a percent sign would be the start of a token
    ...(proxy === undefined ? [] : [`ProxyCommand=${proxy.replaceAll('%', '%%')}`]),
    ...(purpose.kind === 'hop' ? hopSettings(options) : hostSettings(purpose)),
  ];
  return [
    ...settings.flatMap((setting) => ['-o', setting]),
    '-T', '-x', '-a',
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(purpose.kind === 'hop' ? [...options.requiredIdentityFiles, ...options.optionalIdentityFiles].filter((file) => existsSync(file)) : options.requiredIdentityFiles).flatMap((file) => ['-i', escapeTokens(file)]),
    ...words,
    ...(purpose.kind === 'hop' ? ['-W', `[${purpose.to.hostname}]:${String(purpose.to.port)}`] : ['-N']),
    '--', target.address ?? target.name,
  ];
}

function hopSettings(options: SshOptions): string[] {
  return ['ControlMaster=no', 'ControlPath=none', `UserKnownHostsFile=${options.knownHostsFiles.map(configWord).join(' ')}`];
}

function hostSettings({ controlPath, keepalive }: Extract<Purpose, { kind: 'host' }>): string[] {
  return [
    'ControlMaster=yes', `ControlPath=${escapeTokens(controlPath)}`, 'ControlPersist=no',
    'PermitLocalCommand=yes', 'LocalCommand=echo ready',
    `ServerAliveInterval=${String(Math.ceil(keepalive.intervalMs / 1000))}`, `ServerAliveCountMax=${String(keepalive.countMax)}`,
  ];
}

/** A word in the value of an option. */
function configWord(word: string): string {
  const escaped = escapeTokens(word);
  return /\s/.test(escaped) ? `"${escaped}"` : escaped;
}

function escapeTokens(path: string): string {
  return path.replaceAll('%', '%%');
}
