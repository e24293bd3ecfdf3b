import { HsmfleetError, type BenchmarkPoint, type Diff, type ErrorCode, type ErrorOptions, type Secret } from '@hsmfleet/contract';
import type { ReadHost } from './host.ts';
import type { Step, StepResult } from './step.ts';

/**
 * The run's authority over first logins. One instance per run and fleet, on the control host; the agent reaches it
 * through frames. When the control host cannot be asked the answer is no.
 */
export interface PinGate {
  /** Asks before the first login with a PIN that this host has not proven on this token. Waits for a canary. */
  ask(pin: Secret, token: string): Promise<PinPermit>;
}

export type PinPermit =
  | { go: false; reason: string }
  | { go: true; /** Must be called once, whatever happened. */ report(outcome: 'correct' | 'incorrect' | 'not_tried'): void };

export interface ExecuteContext {
  pins: PinGate;
  /** Secrets written by the step are reported here, so that all that leaves the agent is redacted by value. */
  learn(secret: Secret): void;
  /** A line for people while a long step works. */
  progress(message: string): void;
  /** A point of a benchmark, as soon as it is measured; whose host it is, is told by whoever runs the plan. */
  measured(point: BenchmarkPoint): void;
  /** Aborted when the run is to end after the present task: what only measures ends sooner. */
  signal?: AbortSignal;
  /** Run and play: what changes of the web server replace is kept under this name, proven or not, until it is put back or forgotten. */
  keepWebUndo?: string;
}

/**
 * A `run` step whose program ended with an unexpected exit code (COMMAND_FAILED) or at its deadline (TIMEOUT). Carries
 * the step's result, so that `register` and `failed_when` see the exit code and the output all the same.
 */
export class StepFailedError extends HsmfleetError {
  readonly result: StepResult;

  constructor(code: ErrorCode, message: string, result: StepResult, options: ErrorOptions = {}) {
    super(code, message, options);
    this.result = result;
  }
}

/** A host that can be changed: only agent-runtime holds one. */
export interface WriteHost extends ReadHost {
  /** @throws HsmfleetError when the step fails; a `run` step with an unexpected exit code is COMMAND_FAILED with the output's tail */
  execute(step: Step, context: ExecuteContext): Promise<StepResult>;
  /** What the step would change, for `--diff` and check mode. Reads only. */
  diff(step: Step): Promise<Diff[]>;
  /** One line for people: "write /etc/apache2/fleet/t1.conf". Never contains a secret. */
  describe(step: Step): string;
  /**
   * Applies a pending web change: restart or reload, proof, rollback on failure. Does nothing when there is none or the
   * server does not run.
   * @returns whether the server was restarted or reloaded
   * @throws HsmfleetError WEB_ROLLED_BACK or WEB_DOWN
   */
  settleWeb(context: ExecuteContext): Promise<boolean>;
  /**
   * Puts back a change of the web server that an earlier agent did not finish, before anything is inspected: facts read
   * from a half-made change would be planned upon. Does nothing, and costs one look at a file, when there is none.
   * @returns whether there was one
   * @throws HsmfleetError WEB_DOWN
   */
  recoverWeb?(context: ExecuteContext): Promise<boolean>;
  /**
   * Puts back what a play changed of the web server, although it was proven, and proves what served before.
   * @param name see {@link ExecuteContext.keepWebUndo}
   * @returns the error that tells of it, WEB_BATCH_ROLLED_BACK or WEB_DOWN; undefined when there is nothing to put back
   */
  undoWeb?(name: string, why: string, context: ExecuteContext): Promise<HsmfleetError | undefined>;
  /** Forgets what could be put back; what the named run keeps stays. */
  forgetWebUndo?(exceptRun?: string): Promise<void>;
}
