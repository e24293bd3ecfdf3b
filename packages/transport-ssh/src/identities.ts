import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { HsmfleetError } from '@hsmfleet/contract';
import { keyTypeOf, parseSshArgs, type SshOptions } from '@hsmfleet/ssh-config';
import type { HostTarget, Prompts } from '@hsmfleet/transport';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { mayUseKey } from './algorithms.ts';
import { createAgents, publicBlobOf, type Agents } from './ssh-agent.ts';
import { inspectKeyFile } from './key-file.ts';
import { loadSsh2 } from './ssh2.ts';

/** How often a person may mistype a passphrase. */
const PASSPHRASE_TRIES = 3;

/** Keys of one run: every file is read, and every passphrase asked for, once for all hosts. */
export interface Identities {
  /**
   * The authentications to try on a host, in order, and their names for messages. Asks for passphrases now, before
   * the connection's clock runs.
   * @throws HsmfleetError KEY_UNREADABLE
   */
  prepare(options: SshOptions, host: string): Promise<PreparedKeys>;
}

/** Keys for one host. */
export interface PreparedKeys {
  methods: AnyAuthMethod[];
  /** For messages. */
  names: string[];
  /** What OpenSSH could offer as well and ssh2 cannot: kinds of keys, and where they are. */
  foreign: string[];
  /** A certificate that belongs to one of the keys: what is offered without it is not what was meant. */
  certificate: string | undefined;
}

/** A key file as it was found. `parsed` is missing while it is encrypted. */
interface KeyFile {
  path: string;
  bytes: Buffer;
  parsed?: ParsedKey;
  /** Public half, where it can be told without the passphrase. */
  publicBlob?: Buffer;
}

/**
 * Checks what a person named for this host, before any host is contacted: the private key files are there, private
 * and readable as keys.
 * @throws HsmfleetError KEY_UNREADABLE
 */
export async function checkTarget(target: HostTarget): Promise<void> {
  if (target.connection === 'local') return;
  const named = [target.identityFile, ...(parseSshArgs(target.sshArgs ?? []).options.get('identityfile') ?? [])];
  for (const file of named) {
    // %-tokens depend on ssh_config: such paths are checked when connecting
    if (file === undefined || file.includes('%')) continue;
    try {
      await readKeyFile(file.replace(/^~(?=\/)/, homedir()), target.name);
    } catch (error) {
      // OpenSSH may read it
      if (target.connection === 'ssh2' || !isForOpenSsh(error)) throw error;
    }
  }
}

/** @param prompts asks for passphrases; without it, encrypted keys need an agent */
export function createIdentities(prompts?: Prompts): Identities {
  const files = new Map<string, Promise<KeyFile>>();
  const unlocked = new Map<string, Promise<ParsedKey>>();
  const agents: Agents = createAgents();
  let asking: Promise<unknown> = Promise.resolve();

  const read = (path: string, host: string): Promise<KeyFile> => {
    let file = files.get(path);
    if (file === undefined) {
      file = readKeyFile(path, host);
      files.set(path, file);
    }
    return file;
  };
  const readOptional = async (path: string, host: string, foreign: string[]): Promise<KeyFile | undefined> => {
    try {
      return await read(path, host);
    } catch (error) {
      if (isForOpenSsh(error)) foreign.push(path);
      // a default key that is missing or of an unknown kind is simply not offered
      return undefined;
    }
  };
  const unlock = (file: KeyFile, host: string): Promise<ParsedKey> => {
    if (file.parsed !== undefined) return Promise.resolve(file.parsed);
    let key = unlocked.get(file.path);
    if (key === undefined) {
      // one question at a time
      key = asking.then(() => askPassphrase(file, prompts, host));
      asking = key.catch(() => undefined);
      unlocked.set(file.path, key);
    }
    return key;
  };

  return {
    async prepare(options, host) {
      if (!options.logins.publicKey) return { methods: [], names: [], foreign: [], certificate: undefined };
      const foreign: string[] = [];
      const accepts = (type: string): boolean => mayUseKey(type, options.algorithms.publicKeys);
      const required = await Promise.all(options.requiredIdentityFiles.map((path) => read(path, host)));
      const optional = (await Promise.all(options.optionalIdentityFiles.map((path) => readOptional(path, host, foreign)))).filter((file) => file !== undefined);
      const certificate = [...options.certificateFiles, ...[...required, ...optional].map(({ path }) => `${path}-cert.pub`)].find((path) => existsSync(path));
      const agent = options.identityAgent === undefined ? undefined : await agents.open(options.identityAgent);
      for (const type of agent?.foreign ?? []) foreign.push(`${type} in the agent`);
      const inAgent = (file: KeyFile): boolean => file.publicBlob !== undefined && agent?.holds(file.publicBlob) === true;

      const methods: AnyAuthMethod[] = [];
      const names: string[] = [];
      const offer = (key: ParsedKey, path: string): void => {
        if (!accepts(key.type)) return;
        methods.push({ type: 'publickey', username: options.user, key } as unknown as AnyAuthMethod);
        names.push(`key ${path}`);
      };
      if (certificate !== undefined) return { methods, names, foreign, certificate };
      for (const file of required) if (!inAgent(file) || file.parsed !== undefined) offer(await unlock(file, host), file.path);
      if (agent !== undefined) {
        const own = [...required, ...optional].map(({ publicBlob }) => publicBlob).filter((blob) => blob !== undefined);
        const offered = options.identitiesOnly ? agent.only(own, accepts) : agent.all(own, accepts);
        if (offered !== undefined) {
          methods.push({ type: 'agent', username: options.user, agent: offered.agent });
          names.push(`${String(offered.count)} key(s) of the agent`);
        }
      }
      for (const file of optional) if (file.parsed !== undefined) offer(file.parsed, file.path);
      const locked = optional.find((file) => file.parsed === undefined);
      if (methods.length === 0 && locked !== undefined) offer(await unlock(locked, host), locked.path);
      return { methods, names, foreign, certificate };
    },
  };
}

/** Is it a kind of key that OpenSSH reads and ssh2 does not? */
function isForOpenSsh(error: unknown): boolean {
  return error instanceof HsmfleetError && error.details?.fallback === true;
}

async function readKeyFile(path: string, host: string): Promise<KeyFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (cause as Error).message;
    throw unreadable(path, host, why, 'check ansible_ssh_private_key_file and the -i and IdentityFile arguments', cause);
  }
  const { mode, uid } = await stat(path);
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
    throw unreadable(path, host, `others may read it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`, `chmod 600 ${path}`);
  }
  const found = inspectKeyFile(bytes);
  if (found.kind === 'none') throw unreadable(path, host, 'it holds no private key', 'name the private key, not the .pub file');
  if (found.kind === 'pkcs8') {
    throw unreadable(path, host, 'ssh2 reads no PKCS#8 keys', `convert it: ssh-keygen -p -f ${path}`, undefined, true);
  }
  if (found.publicBlob !== undefined && /^sk-/.test(keyTypeOf(found.publicBlob))) {
    throw unreadable(path, host, 'ssh2 knows no security keys', 'leave ansible_connection at smart, or set it to openssh', undefined, true);
  }
  const publicBlob = found.publicBlob ?? (await publicBlobOf(`${path}.pub`));
  if (found.encrypted) return { path, bytes, ...(publicBlob === undefined ? {} : { publicBlob }) };
  const parsed = (await loadSsh2()).utils.parseKey(bytes);
  if (parsed instanceof Error) throw unreadable(path, host, parsed.message, 'is it a private key that ssh-keygen can read?', parsed);
  return { path, bytes, parsed, publicBlob: parsed.getPublicSSH() };
}

async function askPassphrase(file: KeyFile, prompts: Prompts | undefined, host: string): Promise<ParsedKey> {
  const { utils } = await loadSsh2();
  const hint = `unlock it first: ssh-add ${file.path}`;
  if (prompts === undefined) throw unreadable(file.path, host, 'it is encrypted, and there is nobody to ask for the passphrase', hint);
  for (let attempt = 1; attempt <= PASSPHRASE_TRIES; attempt += 1) {
    const passphrase = await prompts.secret(`${attempt === 1 ? 'passphrase' : 'wrong, again: passphrase'} for ${file.path}`);
    if (passphrase === undefined) throw unreadable(file.path, host, 'it is encrypted, and no passphrase was given', hint);
    const parsed = utils.parseKey(file.bytes, passphrase.reveal());
    if (!(parsed instanceof Error)) return parsed;
  }
  throw unreadable(file.path, host, `the passphrase was wrong ${String(PASSPHRASE_TRIES)} times`, hint);
}

function unreadable(path: string, host: string, why: string, hint: string, cause?: unknown, fallback = false): HsmfleetError {
  return new HsmfleetError('KEY_UNREADABLE', `the private key ${path} cannot be used: ${why}`, { host, hint, cause, ...(fallback ? { details: { fallback } } : {}) });
}
