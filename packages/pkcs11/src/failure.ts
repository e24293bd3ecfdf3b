import { HsmfleetError } from '@hsmfleet/contract';
import type { ChildOutcome } from './child-process.ts';

/** Everything a child can end with that is no answer to the question. */
export type Failure = Exclude<ChildOutcome, { kind: 'answer' }> | { kind: 'failed'; call: string; result?: string; message: string };

/**
 * Words for a module that failed, hung or crashed.
 * @param withOutput false after a login, where a library's standard error might hold the PIN (pkcs11-spy prints it)
 */
export function describeFailure(library: string, failure: Failure, withOutput: boolean): HsmfleetError {
  const details = { module: library, call: failure.call };
  switch (failure.kind) {
    case 'timeout':
      return new HsmfleetError('TIMEOUT', `the module ${library} did not answer within ${failure.timeoutMs / 1000} s: it hangs in ${failure.call}`, {
        hint: 'the token, its reader, pcscd or the p11-kit server behind the module hangs; the library was stopped',
        details,
      });
    case 'died':
      if (failure.signal !== null) {
        return new HsmfleetError('PKCS11', `the module ${library} crashed with ${failure.signal} in ${failure.call}`, {
          hint: 'the library is broken or does not fit this machine; try another version of it',
          details,
        });
      }
      if (failure.call === 'loading it' || failure.call.startsWith('C_')) {
        return new HsmfleetError('PKCS11', `the module ${library} ended its process with code ${failure.code ?? -1} in ${failure.call}`, {
          hint: withOutput && failure.stderr !== '' ? lastLines(failure.stderr) : 'the library is broken or does not fit this machine; try another version of it',
          details,
        });
      }
      return new HsmfleetError('AGENT', `the PKCS#11 child process ended with code ${failure.code ?? -1} before it answered`, {
        hint: withOutput && failure.stderr !== '' ? lastLines(failure.stderr) : 'this is a defect of the agent or its add-on',
        details,
      });
    case 'failed':
      return describeCall(library, failure, details);
  }
}

function describeCall(library: string, failure: Extract<Failure, { kind: 'failed' }>, details: Record<string, unknown>): HsmfleetError {
  if (failure.result !== undefined) {
    return new HsmfleetError('PKCS11', `${failure.call} of the module ${library} answered ${failure.result}`, { hint: hintFor(failure.result), details });
  }
  if (failure.call !== 'loading it') {
    return new HsmfleetError('AGENT', `the PKCS#11 child process failed while ${failure.call}: ${failure.message}`, { details });
  }
  if (failure.message.includes('C_GetFunctionList')) {
    return new HsmfleetError('PKCS11', `${library} is not a PKCS#11 module: it has no C_GetFunctionList`, {
      hint: 'give the path of the PKCS#11 library itself, for example /usr/local/lib/libsc-hsm-pkcs11.so',
      details,
    });
  }
  return new HsmfleetError('PKCS11', `the module ${library} cannot be loaded: ${failure.message}`, {
    hint: 'is it a shared library for this architecture, and are the libraries it needs installed (ldd shows them)?',
    details,
  });
}

function hintFor(result: string): string {
  switch (result) {
    case 'CKR_DEVICE_ERROR':
    case 'CKR_DEVICE_REMOVED':
      return 'is the token plugged in, and does pcscd (or the p11-kit server) run?';
    case 'CKR_HOST_MEMORY':
    case 'CKR_GENERAL_ERROR':
      return "the library found something it needs missing: its configuration file, its socket (P11_KIT_SERVER_ADDRESS, SOFTHSM2_CONF), or the user's permission to use them";
    default:
      return "look at the library's own log, and at the variables it is given";
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}
