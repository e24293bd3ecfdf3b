/** OpenSSH command-line words, as far as they matter for reaching a host. Option names in lower case. */
export interface SshArgs {
  /** `-F`. */
  configFile?: string;
  /** First value per option, as OpenSSH takes it; `identityfile` and `certificatefile` keep all. */
  options: Map<string, string[]>;
  /** True when a word or option is in it that only OpenSSH itself can interpret. */
  foreign: boolean;
}

/** Flags with a value that stand for an option. */
const VALUE_FLAGS: Readonly<Record<string, string>> = { i: 'identityfile', l: 'user', p: 'port', J: 'proxyjump', b: 'bindaddress' };
/** Flags without a value that stand for an option. */
const BARE_FLAGS: Readonly<Record<string, readonly [string, string]>> = { 4: ['addressfamily', 'inet'], 6: ['addressfamily', 'inet6'] };
/** Flags without a value that change nothing about how a host is reached from here. */
const PLAIN_FLAGS = new Set(['A', 'a', 'C', 'f', 'g', 'K', 'k', 'M', 'N', 'n', 'q', 's', 'T', 't', 'v', 'X', 'x', 'Y', 'y']);

/** Options whose value may build on OpenSSH's own list (`+name`, `-name`, `^name`): it alone knows that one. */
const ALGORITHM_OPTIONS = new Set(['kexalgorithms', 'ciphers', 'macs', 'hostkeyalgorithms', 'pubkeyacceptedalgorithms']);

/**
 * Options that are honoured, and options that may be passed over: multiplexing, forwarding and logging of OpenSSH
 * itself. StrictHostKeyChecking is among the latter: host keys are always checked here. Any other makes the arguments
 * `foreign`.
 */
const KNOWN_OPTIONS = new Set([
  'user', 'hostname', 'port', 'identityfile', 'identitiesonly', 'identityagent', 'userknownhostsfile', 'globalknownhostsfile',
  'hostkeyalias', 'proxyjump', 'proxycommand', 'connecttimeout', 'revokedhostkeys', 'bindaddress',
  'stricthostkeychecking', 'checkhostip', 'hashknownhosts', 'updatehostkeys', 'visualhostkey', 'loglevel', 'batchmode',
  'controlmaster', 'controlpath', 'controlpersist', 'compression', 'forwardagent', 'forwardx11', 'serveraliveinterval',
  'serveralivecountmax', 'tcpkeepalive', 'connectionattempts', 'passwordauthentication', 'kbdinteractiveauthentication',
  'preferredauthentications', 'pubkeyauthentication', 'gssapiauthentication', 'addkeystoagent', 'requesttty', 'sendenv',
  ...ALGORITHM_OPTIONS, 'certificatefile', 'addressfamily', 'numberofpasswordprompts',
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
    } else if (BARE_FLAGS[letter] !== undefined && attached === '') {
      addOption(args, ...BARE_FLAGS[letter]);
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
  if (!KNOWN_OPTIONS.has(name) || (ALGORITHM_OPTIONS.has(name) && /^[-+^]/.test(value))) args.foreign = true;
  const values = args.options.get(name);
  if (values === undefined) args.options.set(name, [value]);
  else if (name === 'identityfile' || name === 'certificatefile') values.push(value);
}

/** Flags of OpenSSH with a value. */
const WITH_VALUE = 'BbcDEeFIiJLlmOopQRSWw';
/** Those that say how a host is reached, or with which keys. Jump hosts (-J) are looked after by the transports. */
const REACHING = new Set('BbcFIilmop46C');

/**
 * The words that say how a host is reached, for an ssh that is started by the program: without what would have it do
 * something else (-f, -N, -L, -t, …).
 * @returns also what is no option at all, and would be taken for the host's name
 */
export function reachingWords(words: readonly string[]): { words: string[]; stray: string[] } {
  const kept: string[] = [];
  const stray: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const letter = /^-([A-Za-z0-9])/.exec(word)?.[1];
    if (letter === undefined) {
      stray.push(word);
      continue;
    }
    const own = WITH_VALUE.includes(letter) && word.length === 2 ? [word, ...rest.splice(0, 1)] : [word];
    if (REACHING.has(letter) && (WITH_VALUE.includes(letter) || word.length === 2)) kept.push(...own);
  }
  return { words: kept, stray };
}

/** Splits an option's value into words as ssh_config does: blanks separate, double quotes join. */
export function splitConfigWords(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
