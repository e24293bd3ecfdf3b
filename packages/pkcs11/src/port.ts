import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { HsmfleetError, type ErrorShape, type ModuleRow } from '@hsmfleet/contract';
import type { ExecuteContext, ModuleTarget, Pkcs11Reader, ProvePin } from '@hsmfleet/resource';
import { runInChild } from './child-process.ts';
import { describeFailure } from './failure.ts';
import { interpretModule, type ObservedModule } from './interpret.ts';
import { createPinGuard } from './pin-guard.ts';
import { openPinLedger } from './pin-ledger.ts';
import type { RawModule } from './protocol.ts';
import { judgeReadOnly } from './token-state.ts';

/** Milliseconds after which an observation is made anew even when nobody called `invalidate`. */
const MAX_AGE_MS = 30_000;

export interface Pkcs11PortOptions {
  /** How to start the child: program and arguments that end in `runPkcs11Child()`. */
  childArgv: readonly string[];
  /** Root-only directory of the PIN ledger, for example /var/lib/hsmfleet. */
  stateDir: string;
}

/** Reading tokens and proving PINs on one host, for the time of one run. */
export interface Pkcs11Port extends Pkcs11Reader {
  /**
   * Proves one PIN with at most one C_Login; does nothing for a PIN that this host has proven on this token before.
   * @throws HsmfleetError PIN_REFUSED, PIN_INCORRECT, TOKEN_NOT_FOUND, PKCS11, TIMEOUT
   */
  provePin(step: ProvePin, context: ExecuteContext): Promise<void>;
  /**
   * Forgets what was observed. Observations are shared within a run, for up to 30 s and as long as the library file
   * stays the same. Call this after every step that may change a token, its reader, or the processes and variables
   * behind a module; `provePin` does it itself.
   */
  invalidate(): void;
}

/** Makes the port; nothing is started or read before it is used. */
export function createPkcs11Port(options: Pkcs11PortOptions): Pkcs11Port {
  const ledger = openPinLedger(options.stateDir);
  const seen = new Map<string, { at: number; row: Promise<ModuleRow> }>();
  const guard = createPinGuard({
    childArgv: options.childArgv,
    ledger,
    observe: (step) => observe(options.childArgv, step.module),
  });
  return {
    async observe(target) {
      const key = JSON.stringify([target.path, Object.entries(target.env ?? {}).sort(), await fileMark(target.path)]);
      const known = seen.get(key);
      if (known !== undefined && Date.now() - known.at < MAX_AGE_MS) return structuredClone(await known.row);
      const row = observe(options.childArgv, target);
      seen.set(key, { at: Date.now(), row });
      return structuredClone(await row);
    },
    async isPinProven(tokenIdentity, pin) {
      return ledger.has(await ledger.macOf(tokenIdentity, pin));
    },
    standingOf: (tokenIdentity, pin) => ledger.standingOf(tokenIdentity, pin),
    async provePin(step, context) {
      try {
        await guard(step, context);
      } finally {
        seen.clear();
      }
    },
    invalidate() {
      seen.clear();
    },
  };
}

/** Another file under the same name is another module. */
async function fileMark(path: string): Promise<string> {
  const file = await stat(path).catch(() => undefined);
  return file === undefined ? '' : `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`;
}

async function observe(childArgv: readonly string[], target: ModuleTarget): Promise<ModuleRow> {
  const at = new Date().toISOString();
  const empty: ObservedModule = {
    manufacturer: '', description: '', version: '', cryptokiVersion: '',
    readOnly: { ...judgeReadOnly([], at), reason: 'the module could not be asked' },
    tokens: [],
  };
  const file = { path: target.path, realPath: null, sha256: null };
  try {
    const realPath = await realpath(target.path);
    if (!(await stat(realPath)).isFile()) {
      // a pipe or a device would be read for ever
      throw new HsmfleetError('PKCS11', `the module ${target.path} is not a regular file`, { hint: 'give the path of the PKCS#11 library itself' });
    }
    const [bytes, outcome] = await Promise.all([
      readFile(realPath),
      runInChild(childArgv, { op: 'observe', library: target.path }, target),
    ]);
    const known = { ...file, realPath, sha256: createHash('sha256').update(bytes).digest('hex') };
    if (outcome.kind === 'answer' && outcome.answer.kind === 'observed') {
      const { module } = outcome.answer;
      return { ...known, ...interpretModule(module, at), error: problemOf(target.path, module) };
    }
    const failure = outcome.kind !== 'answer' ? outcome
      : outcome.answer.kind === 'failed' ? outcome.answer
      : { kind: 'failed' as const, call: 'answering', message: `unexpected answer ${outcome.answer.kind}` };
    return { ...known, ...empty, error: describeFailure(target.path, failure, true).toShape() };
  } catch (thrown) {
    return { ...file, ...empty, error: unreadable(target.path, thrown).toShape() };
  }
}

function problemOf(library: string, { problems }: RawModule): ErrorShape | null {
  const [first] = problems;
  return first === undefined ? null : describeFailure(library, { kind: 'failed', ...first, message: first.result }, true).toShape();
}

function unreadable(path: string, thrown: unknown): HsmfleetError {
  if (thrown instanceof HsmfleetError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  return code === 'ENOENT'
    ? new HsmfleetError('PKCS11', `the module ${path} does not exist`, { hint: 'install the library, or correct the path' })
    : new HsmfleetError('PKCS11', `the module ${path} cannot be read: ${message}`);
}
