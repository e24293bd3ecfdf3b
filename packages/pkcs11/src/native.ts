import { dirname, join, resolve } from 'node:path';
import type { PKCS11 } from 'pkcs11js';

/** Slots, sessions and objects are opaque native numbers in a Buffer. */
export type Handle = Buffer;

/**
 * The part of pkcs11js's native class that we call: no C_Logout, no C_CloseSession, no C_Finalize, so that nothing here
 * can take a token's login or power from a web server (field notes 0b).
 */
export interface Cryptoki
  extends Pick<
    PKCS11,
    | 'load' | 'C_Initialize' | 'C_GetInfo' | 'C_GetSlotList' | 'C_GetSlotInfo' | 'C_GetTokenInfo' | 'C_OpenSession'
    | 'C_FindObjectsInit' | 'C_FindObjectsFinal' | 'C_GetAttributeValue' | 'C_GenerateKeyPair' | 'C_Login'
  > {
  C_FindObjects(session: Handle, atMost: number): Handle[];
}

/**
 * Loads pkcs11js's native add-on by its path. Its own JavaScript is passed over on purpose: it requires a file of its
 * own package, which a bundle does not have, and all that it adds is a wrapping of errors ({@link resultOf} reads them).
 * @param addonPath absolute; by default `pkcs11-linux-<arch>.node` beside the running program
 * @throws Error with the dynamic linker's words when the add-on is missing or does not fit this machine
 */
export function loadPkcs11(addonPath: string = addonBesideProgram()): Cryptoki {
  const loaded: { exports: { PKCS11?: new () => Cryptoki } } = { exports: {} };
  process.dlopen(loaded, addonPath);
  const { PKCS11: Native } = loaded.exports;
  if (Native === undefined) throw new Error(`${addonPath} is not the PKCS#11 add-on`);
  return new Native();
}

/** The add-on's file name for this machine, as it travels beside the agent. */
export function addonFileName(arch: string = process.arch): string {
  return `pkcs11-linux-${arch}.node`;
}

function addonBesideProgram(): string {
  return join(dirname(resolve(process.argv[1] ?? '.')), addonFileName());
}

/** `CKR_…` from what the native class throws ("CKR_PIN_INCORRECT:160"); undefined for errors that are no return value. */
export function resultOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const match = /^(.*):(\d+)$/.exec(thrown.message);
  if (match === null) return undefined;
  const name = match[1] ?? '';
  return name.startsWith('CKR_') && name !== 'CKR_VENDOR_DEFINED' ? name : `CKR_0x${Number(match[2]).toString(16)}`;
}

/**
 * What a call answered: `CKR_OK`, or the CKR_ name of what it threw.
 * @throws whatever was thrown that is no return value
 */
export function answerOf(call: () => unknown): string {
  try {
    call();
    return 'CKR_OK';
  } catch (thrown) {
    const result = resultOf(thrown);
    if (result === undefined) throw thrown;
    return result;
  }
}
