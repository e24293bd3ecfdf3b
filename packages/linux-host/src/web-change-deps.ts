import type {
  ExecuteContext, MakeDirectory, MakeLink, ReadHost, Remove, RunProgram, ServiceAction, SetAttributes, StepResult, WriteFile,
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
  /** Acts on the service at once: no guard and no proof, which are the transaction's part. A restart is a full stop and start. */
  service(action: ServiceAction): Promise<StepResult>;
}
