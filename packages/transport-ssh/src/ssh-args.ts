/** OpenSSH command-line words, as far as they matter for reaching a host. Option names in lower case. */
export interface SshArgs {
  /** `-F`. */
  configFile?: string;
  /** First value per option, as OpenSSH takes it; `identityfile` keeps all. */
  options: Map<string, string[]>;
  /** True when a word or option is in it that only OpenSSH itself can interpret. */
  foreign: boolean;
}

/** Flags with a value that stand for an option. */
const VALUE_FLAGS: Readonly<Record<string, string>> = { i: 'identityfile', l: 'user', p: 'port', J: 'proxyjump', b: 'bindaddress' };
/** Flags without a value that change nothing about how a host is reached from here. */
const PLAIN_FLAGS = new Set(['4', '6', 'A', 'a', 'C', 'f', 'g', 'K', 'k', 'M', 'N', 'n', 'q', 's', 'T', 't', 'v', 'X', 'x', 'Y', 'y']);

/**
 * Options that this transport honours, and options that it may pass over: multiplexing, forwarding and logging of
 * OpenSSH itself. StrictHostKeyChecking is among the latter: host keys are always checked here.
 */
const KNOWN_OPTIONS = new Set([
  'user', 'hostname', 'port', 'identityfile', 'identitiesonly', 'identityagent', 'userknownhostsfile', 'globalknownhostsfile',
  'hostkeyalias', 'proxyjump', 'proxycommand', 'connecttimeout', 'revokedhostkeys', 'bindaddress',
  'stricthostkeychecking', 'checkhostip', 'hashknownhosts', 'updatehostkeys', 'visualhostkey', 'loglevel', 'batchmode',
  'controlmaster', 'controlpath', 'controlpersist', 'compression', 'forwardagent', 'forwardx11', 'serveraliveinterval',
  'serveralivecountmax', 'tcpkeepalive', 'connectionattempts', 'passwordauthentication', 'kbdinteractiveauthentication',
  'preferredauthentications', 'pubkeyauthentication', 'gssapiauthentication', 'addkeystoagent', 'requesttty', 'sendenv',
  'kexalgorithms', 'ciphers', 'macs', 'hostkeyalgorithms',
]);

/** Reads words such as `-F FILE`, `-o Key=Value`, `-oKey Value`, `-J HOST`, `-p2222`. */
export function parseSshArgs(words: readonly string[]): SshArgs {
  const args: SshArgs = { options: new Map(), foreign: false };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const flag = /^-([A-Za-z0-9])(.*)$/s.exec(word);
    if (flag === null) {
      args.foreign = true;
      continue;
    }
    const [, letter = '', attached = ''] = flag;
    const option = VALUE_FLAGS[letter];
    if (letter === 'F' || letter === 'o' || option !== undefined) {
      const value = attached === '' ? (rest.shift() ?? '') : attached;
      if (letter === 'F') args.configFile = value;
      else if (letter === 'o') addSetting(args, value);
      else addOption(args, option ?? '', value);
    } else if (![letter, ...attached].every((one) => PLAIN_FLAGS.has(one))) {
      args.foreign = true;
    }
  }
  return args;
}

function addSetting(args: SshArgs, setting: string): void {
  const match = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/s.exec(setting);
  if (match === null) args.foreign = true;
  else addOption(args, (match[1] ?? '').toLowerCase(), (match[2] ?? '').trim());
}

function addOption(args: SshArgs, name: string, value: string): void {
  if (!KNOWN_OPTIONS.has(name)) args.foreign = true;
  const values = args.options.get(name);
  if (values === undefined) args.options.set(name, [value]);
  else if (name === 'identityfile') values.push(value);
}

/** Splits an option's value into words as ssh_config does: blanks separate, double quotes join. */
export function splitConfigWords(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
