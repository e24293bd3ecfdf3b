import { HsmfleetError, Secret, type ModuleRow } from '@hsmfleet/contract';
import { pinFor } from '@hsmfleet/httpd';
import type { ReadHost, WebChange } from '@hsmfleet/resource';
import type { WebDeps } from './deps.ts';
import type { RegisteredPin } from './journal.ts';

type PinDeps = Pick<WebDeps, 'host' | 'provePin'>;

type PinToCheck = WebChange['pins'][number];

/** Looks at every module once, however many PINs there are. */
export interface PinCheck {
  /**
   * Proves a PIN by a login of this run, at most one.
   * @throws HsmfleetError PIN_INCORRECT, PIN_REFUSED, PIN_UNPROVEN, TOKEN_NOT_FOUND
   */
  ensure(pin: PinToCheck): Promise<void>;
}

export function createPinCheck(deps: PinDeps): PinCheck {
  const seen = new Map<string, Promise<ModuleRow>>();
  const settled = new Map<string, Promise<void>>();
  async function prove({ file, module, tokenLabel, pin, allowLowCount }: PinToCheck): Promise<void> {
    const key = JSON.stringify([module.path, module.env]);
    let row = seen.get(key);
    if (row === undefined) seen.set(key, (row = deps.host.pkcs11.observe(module)));
    const { tokens, error } = await row;
    const token = tokens.find((entry) => entry.label === tokenLabel);
    if (token === undefined) {
      throw new HsmfleetError(error === null ? 'TOKEN_NOT_FOUND' : 'PIN_UNPROVEN', `the PIN in ${file} cannot be proven: ${error?.message ?? `no token "${tokenLabel}" behind ${module.path}`}`, {
        hint: 'the web server was not started, since a wrong PIN could lock the token',
      });
    }
    // a low counter is what a wrong PIN left, of an earlier run perhaps; the PIN that was proven here resets it. Never the last try
    const mayReset = token.pinState === 'count_low' && (await deps.host.pkcs11.isPinProven(token.identity, pin));
    // fresh: one login now instead of the server's several, should the PIN have been changed on the token since it was proven
    await deps.provePin({
      kind: 'prove_pin', module, tokenLabel, ...(token.serial === '' ? {} : { tokenSerial: token.serial }), pin, fresh: true,
      ...(allowLowCount === true || mayReset ? { allowLowCount: true } : {}),
    });
  }
  return {
    ensure(pin) {
      const key = JSON.stringify([pin.module.path, pin.tokenLabel, pin.pin.reveal()]);
      let outcome = settled.get(key);
      if (outcome === undefined) settled.set(key, (outcome = prove(pin)));
      return outcome;
    },
  };
}

/** The PIN that the server would take from a file's text; undefined when it would find none. */
export function pinInFile(text: string, pin: Pick<RegisteredPin, 'tokenLabel' | 'format'>): Secret | undefined {
  if (pin.format === 'mod_nss') return pinFor(text, pin.tokenLabel);
  return text === '' ? undefined : new Secret(text, 'a PIN file');
}

/**
 * Finds out how a PIN stands in its file.
 * @throws HsmfleetError PIN_UNPROVEN when the file holds another PIN than the change says: that one is not proven
 */
export async function identifyPin(pin: WebChange['pins'][number], host: ReadHost): Promise<RegisteredPin> {
  const text = (await host.readText(pin.file, 65_536)) ?? '';
  const { file, module, tokenLabel } = pin;
  for (const format of ['plain', 'mod_nss'] as const) {
    if (pinInFile(text, { tokenLabel, format })?.reveal() === pin.pin.reveal()) return { file, module, tokenLabel, format };
  }
  throw new HsmfleetError('PIN_UNPROVEN', `the PIN file ${file} does not hold the PIN of token "${tokenLabel}" that was to be used`, {
    hint: 'write it with pin_file; mod_ssl takes a line end in the file for a part of the PIN',
  });
}

/**
 * Proves what the PIN files hold now, for those that the configuration still names.
 * @param inUse PIN files that the configuration names
 * @throws HsmfleetError see {@link PinCheck}
 */
export async function checkPinFiles(registered: readonly RegisteredPin[], inUse: ReadonlySet<string>, check: PinCheck, deps: PinDeps): Promise<void> {
  for (const entry of registered) {
    if (!inUse.has(entry.file)) continue;
    const text = await deps.host.readText(entry.file, 65_536);
    const pin = text === undefined ? undefined : pinInFile(text, entry);
    // never tried on the token: what is no PIN cannot be right
    if (pin === undefined || /[\r\n\t]/.test(pin.reveal())) {
      throw new HsmfleetError('PIN_UNPROVEN', `the PIN file ${entry.file} ${text === undefined ? 'does not exist' : `holds no usable PIN for token "${entry.tokenLabel}"`}`, {
        hint: 'the web server was not started, since it would log in with garbage: write the file with pin_file',
      });
    }
    await check.ensure({ ...entry, pin });
  }
}

/**
 * A PIN file that mod_ssl reads and that no task of this program has proven: it may stay as the running server took it at
 * its start, nothing more.
 * @throws HsmfleetError PIN_UNPROVEN
 */
export async function checkUnknownPinFiles(files: readonly string[], host: ReadHost): Promise<void> {
  const server = await host.serverProcess(host.facts.apache.pidFile);
  for (const file of files) {
    const stat = await host.stat(file);
    if (stat === undefined || (server !== undefined && stat.mtimeMs <= server.startedAtMs)) continue;
    throw new HsmfleetError('PIN_UNPROVEN', `the web server would log in with the PIN in ${file}, which nothing has proven`, {
      hint: 'write that file with a pin_file task that names the module, or the site with tls_site: both prove its PIN first',
    });
  }
}
