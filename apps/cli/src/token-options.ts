import type { TokenSession } from '@hsmfleet/station';
import type { OptionSpec } from './command.ts';
import { DEBUG_OPTION } from './fleet-options.ts';

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
export interface PinOptions {
  pinFile?: string;
  pinFd?: string;
  allowLowPinCount?: true;
}

/** Where the SO PIN comes from. */
export interface SoPinOptions {
  soPinFile?: string;
  soPinFd?: string;
}

/** Where a PIN to be set comes from. */
export interface NewPinOptions {
  newPinFile?: string;
  newPinFd?: string;
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
  { flags: '--allow-low-pin-count', description: 'log in although wrong PINs were tried before; never on a locked token' },
];
export const SO_PIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--so-pin-file <file>', description: 'first line of this file is the SO PIN; asked for on the terminal when absent' },
  { flags: '--so-pin-fd <n>', description: 'first line from this file descriptor is the SO PIN' },
];
export const NEW_PIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--new-pin-file <file>', description: 'first line of this file is the new PIN; asked for on the terminal, twice, when absent' },
  { flags: '--new-pin-fd <n>', description: 'first line from this file descriptor is the new PIN' },
];

/**
 * Opens a session on the token that the options name, and logs in when asked to. Close it.
 * @param login 'user': with the PIN from the options or a prompt; 'if given': only when the options say where the PIN is
 * @throws HsmfleetError USAGE, TOKEN_NOT_FOUND, PIN_REFUSED, PIN_INCORRECT, PKCS11, TIMEOUT
 */
export function openTokenSession(options: TokenOptions & PinOptions, login: 'none' | 'user' | 'if given'): Promise<TokenSession> {
  throw new Error(`not there yet: ${login} ${String(options.module)}`);
}
