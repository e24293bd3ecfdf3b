import type {
  ExecuteContext, MakeDirectory, MakeLink, ProvePin, ReadHost, Remove, RunProgram, SetAttributes, StepResult, WriteFile,
} from '@hsmfleet/resource';

/** A change of files, or a program that makes one: what a web change is made of. */
export type PrimitiveChange = WriteFile | MakeDirectory | SetAttributes | MakeLink | Remove | RunProgram;

/** What the web change transaction works with. */
export interface WebChangeDeps {
  host: ReadHost;
  /** Root-only directory: the pending change and its snapshots live below it. */
  stateDir: string;
  context: ExecuteContext;
  applyChange(change: PrimitiveChange): Promise<StepResult>;
  /** Proves a PIN under the PIN guard, once. @throws HsmfleetError PIN_INCORRECT, PIN_REFUSED, TOKEN_NOT_FOUND, PKCS11 */
  provePin(step: ProvePin): Promise<void>;
}
