import { dirname, join } from 'node:path';
import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type { ObjectClass, ObjectFilter, Station, TokenSelector, TokenSession } from '@hsmfleet/station';
import { parseKeyId } from '@hsmfleet/station/key-type';
import type { OptionSpec } from './command.ts';
import { DEBUG_OPTION } from './fleet-options.ts';
import { readPin } from './read-pin.ts';
import { VAULT_OPTIONS, type VaultOptions } from './vault-options.ts';

/** Options of every command that reads a module. */
export interface ModuleOptions {
  module?: string;
  moduleEnv?: string[];
  json?: true;
  debug?: true;
}

/** Options of every command that works on one token. */
export interface TokenOptions extends ModuleOptions {
  token?: string;
  serial?: string;
  slot?: string;
}

/** Where the user's PIN comes from, and whether to log in although wrong ones were tried. */
export interface PinOptions extends VaultOptions {
  pinFile?: string;
  pinFd?: string;
  pinVault?: string;
  allowLowPinCount?: true;
}

/** Where the SO PIN comes from. */
export interface SoPinOptions extends VaultOptions {
  soPinFile?: string;
  soPinFd?: string;
  soPinVault?: string;
}

/** Where a PIN to be set comes from. */
export interface NewPinOptions extends VaultOptions {
  newPinFile?: string;
  newPinFd?: string;
  newPinVault?: string;
}

/** Which objects of a token. */
export interface FilterOptions {
  id?: string;
  label?: string;
  class?: ObjectClass;
}

export const MODULE_OPTIONS: readonly OptionSpec[] = [
  { flags: '-m, --module <path>', description: 'PKCS#11 library; $HSMFLEET_MODULE when absent' },
  { flags: '--module-env <name=value>', description: 'variable that the library needs, never a secret; may be repeated', repeat: true },
];
export const JSON_OPTION: OptionSpec = { flags: '--json', description: 'print JSON' };
/** Which module and token, --json and --debug. */
export const TOKEN_OPTIONS: readonly OptionSpec[] = [
  ...MODULE_OPTIONS,
  { flags: '-t, --token <label>', description: 'token with this label; the only one there is when nothing says which' },
  { flags: '--serial <number>', description: 'token with this serial number' },
  { flags: '--slot <id>', description: 'token in the slot with this ID' },
  JSON_OPTION,
  DEBUG_OPTION,
];
export const PIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--pin-file <file>', description: "first line of this file is the user's PIN; asked for on the terminal when absent" },
  { flags: '--pin-fd <n>', description: "first line from this file descriptor is the user's PIN" },
  { flags: '--pin-vault <file:key>', description: "the user's PIN is this value of a YAML file that Ansible Vault encrypted" },
  { flags: '--allow-low-pin-count', description: 'log in although wrong PINs were tried before; never on a locked token' },
  ...VAULT_OPTIONS,
];
export const SO_PIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--so-pin-file <file>', description: 'first line of this file is the SO PIN; asked for on the terminal when absent' },
  { flags: '--so-pin-fd <n>', description: 'first line from this file descriptor is the SO PIN' },
  { flags: '--so-pin-vault <file:key>', description: 'the SO PIN is this value of a YAML file that Ansible Vault encrypted' },
  ...VAULT_OPTIONS,
];
export const NEW_PIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--new-pin-file <file>', description: 'first line of this file is the new PIN; asked for on the terminal, twice, when absent' },
  { flags: '--new-pin-fd <n>', description: 'first line from this file descriptor is the new PIN' },
  { flags: '--new-pin-vault <file:key>', description: 'the new PIN is this value of a YAML file that Ansible Vault encrypted' },
];

/** Variables that PKCS#11 libraries look at, taken over from the operator's environment. */
const LIBRARY_VARIABLES = [
  'HOME', 'SOFTHSM2_CONF', 'OPENSC_CONF', 'OPENSC_DEBUG', 'PCSCLITE_CSOCK_NAME', 'PKCS11_READER_FILTER', 'P11_KIT_SERVER_ADDRESS', 'XDG_RUNTIME_DIR', 'PKCS11SPY', 'PKCS11SPY_OUTPUT',
];

/**
 * The module that the options, or HSMFLEET_MODULE, name.
 * @throws HsmfleetError USAGE
 */
export function moduleOf({ module = process.env.HSMFLEET_MODULE, moduleEnv = [] }: ModuleOptions): ModuleTarget {
  if (module === undefined || module === '') {
    throw new HsmfleetError('USAGE', 'no PKCS#11 module is named', { hint: 'give its library with --module, or in HSMFLEET_MODULE, for example /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so' });
  }
  const env = Object.fromEntries(LIBRARY_VARIABLES.flatMap((name) => { const value = process.env[name]; return value === undefined ? [] : [[name, value]]; }));
  for (const word of moduleEnv) {
    const at = word.indexOf('=');
    if (at < 1) throw new HsmfleetError('USAGE', `--module-env wants NAME=VALUE, not "${word}"`);
    env[word.slice(0, at)] = word.slice(at + 1);
  }
  return { path: module, env };
}

/**
 * The token that the options name.
 * @throws HsmfleetError USAGE
 */
export function selectorOf({ token, serial, slot }: TokenOptions): TokenSelector {
  if (slot !== undefined && !/^\d+$/.test(slot)) throw new HsmfleetError('USAGE', `--slot wants the ID of a slot, not "${slot}"`, { hint: 'hsmfleet token list shows them' });
  return {
    ...(token === undefined ? {} : { label: token }), ...(serial === undefined ? {} : { serial }), ...(slot === undefined ? {} : { slotId: Number(slot) }),
  };
}

/**
 * The objects that the options name.
 * @throws HsmfleetError USAGE
 */
export function filterOf({ id, label, class: kind }: FilterOptions): ObjectFilter {
  return { ...(id === undefined ? {} : { id: parseKeyId(id) }), ...(label === undefined ? {} : { label }), ...(kind === undefined ? {} : { class: kind }) };
}

/** The station of this machine. What it remembers of PINs lies beside the history. */
export async function openStation(): Promise<Station> {
  const [{ openStation: open }, { defaultStorePath }] = await Promise.all([import('@hsmfleet/pkcs11/station'), import('@hsmfleet/store')]);
  return open({ stateDir: join(dirname(defaultStorePath()), 'station') });
}

/** When a command logs in as the user: never, always, or when the options say where the PIN is. */
export type LoginWish = 'none' | 'user' | 'if given';

/**
 * Opens a session on the token that the options name, and logs in when asked to. Close it: {@link withTokenSession} does.
 * @throws HsmfleetError USAGE, HOST_BUSY when a web server of this machine uses a card, TOKEN_NOT_FOUND, PIN_REFUSED, PIN_INCORRECT, PKCS11, TIMEOUT
 */
export async function openTokenSession(options: TokenOptions & PinOptions, login: LoginWish): Promise<TokenSession> {
  const [target, selector] = [moduleOf(options), selectorOf(options)];
  const session = await (await openStation()).open({ module: target, token: selector });
  try {
    const isGiven = options.pinFile !== undefined || options.pinFd !== undefined || options.pinVault !== undefined;
    if (login === 'user' || (login === 'if given' && isGiven)) {
      process.stderr.write(`PIN of ${session.token.label}: ${session.pinTries().text}\n`);
      const pin = await readUserPin(options, session.token.label);
      await session.login(pin, { allowLowPinCount: options.allowLowPinCount === true });
    }
    return session;
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

/** Does something with a session, and closes it whatever happens. */
export async function withTokenSession<T>(options: TokenOptions & PinOptions, login: LoginWish, work: (session: TokenSession) => Promise<T>): Promise<T> {
  const session = await openTokenSession(options, login);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The user's PIN of a token. */
export async function readUserPin({ pinFile, pinFd, pinVault, ...vaultOptions }: PinOptions, label: string): Promise<Secret> {
  return readPin({ name: 'PIN', file: pinFile, fd: pinFd, vault: pinVault, vaultOptions, option: '--pin', question: `PIN of ${label}`, label });
}

/** The SO PIN of a token. */
export async function readSoPin({ soPinFile, soPinFd, soPinVault, ...vaultOptions }: SoPinOptions, label: string, confirm = false): Promise<Secret> {
  return readPin({ name: 'SO PIN', file: soPinFile, fd: soPinFd, vault: soPinVault, vaultOptions, option: '--so-pin', question: `SO PIN of ${label}`, label, confirm });
}

/** A PIN that is to be set, asked for twice. */
export async function readNewPin({ newPinFile, newPinFd, newPinVault, ...vaultOptions }: NewPinOptions, label: string): Promise<Secret> {
  return readPin({ name: 'new PIN', file: newPinFile, fd: newPinFd, vault: newPinVault, vaultOptions, option: '--new-pin', question: `new PIN of ${label}`, label, confirm: true });
}
