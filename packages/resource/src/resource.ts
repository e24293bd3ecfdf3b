import type { Rendered } from '@hsmfleet/contract';
import type { TObject, TSchema } from '@sinclair/typebox';
import type { InputFile, ReadHost } from './host.ts';
import type { Step, StepResult } from './step.ts';

/** What a resource wants done. No steps means compliant. */
export interface PlanOutcome {
  steps: Step[];
  /** Shown to people; a warning never fails a task. */
  warnings?: string[];
  /** For `register`, on top of `changed`, `failed`, `skipped`, `diff`. */
  result?: Record<string, Rendered>;
  /** Variables that `set_fact` sets for the rest of the run on this host. */
  setVars?: Record<string, Rendered>;
  /** What debug and assert say. */
  message?: string;
}

/** A parameter named in {@link Resource.expressions}, as `inspect` and `plan` see it. */
export interface EvaluatedExpression {
  /** As the playbook has it. */
  expression: string;
  /** Undefined where the expression names a variable that does not exist. */
  value: Rendered | undefined;
}

export interface Inputs {
  /** By parameter name, as declared in {@link Resource.files}. */
  readonly [param: string]: InputFile | undefined;
}

/** An example in the declaration: printed in the docs, compiled in tests. */
export interface Example {
  title: string;
  /** YAML of one task. */
  yaml: string;
}

/**
 * One idempotent kind of thing that a task manages.
 *
 * `inspect` reads, `plan` is pure; only agent-runtime executes steps. Afterwards it inspects and plans again: steps
 * that remain mean "did not converge" and fail the task (unless {@link Resource.converges} is false).
 * Both may throw HsmfleetError: codes of the refused class end the task as `refused`, all others as `failed`.
 */
export interface Resource<P = never, F = unknown> {
  /** Folder name = YAML key = documentation page. */
  name: string;
  /** One sentence. */
  summary: string;
  /** Object schema; every property has a description with units and default. */
  params: TObject;
  /** True: the task may give a plain string instead of a mapping; `freeFormParam` receives it. */
  freeFormParam?: string;
  /**
   * Parameters that name files of the control host: shipped as they are, or rendered as a template on the host; or that
   * name a package that some host built (`artifact`), in the version that the parameter `version` asks for, if any.
   */
  files?: Record<string, 'blob' | 'template' | 'artifact'>;
  /**
   * Those of {@link Resource.files} whose file may be encrypted on the control host: its bytes come as a secret
   * ({@link InputFile.secret}) and never lie among the files that wait on the host.
   */
  secretFiles?: readonly string[];
  /**
   * Parameters that take bare Jinja expressions, one or a list (`assert.that`, `debug.var`). The compiler leaves them
   * deferred, so that their text is kept; `inspect` and `plan` get an {@link EvaluatedExpression} in place of each.
   * Their schema (`Expression`) describes what people write, so they are not validated again on the host.
   */
  expressions?: readonly string[];
  /** False for resources whose steps are actions rather than a state: command, a service restart. Default true. */
  converges?: boolean;
  /**
   * True: under check mode the task is skipped without an inspection, since that would wait for what the skipped changes
   * would have brought about (wait_for).
   */
  skipInCheck?: boolean;
  inspect(host: ReadHost, params: P, inputs: Inputs): Promise<F>;
  plan(params: P, facts: F, inputs: Inputs): PlanOutcome;
  /** What `register` sees after the steps were executed. */
  result?(params: P, facts: F, steps: readonly StepResult[]): Record<string, Rendered>;
  /** Proof beyond a second inspection, where a change can lie about itself. Throws HsmfleetError. */
  verify?(host: ReadHost, params: P, facts: F): Promise<void>;
  examples: readonly Example[];
}

/** A resource with its types forgotten, as the registry holds it. */
export interface AnyResource extends Omit<Resource, 'inspect' | 'plan' | 'result' | 'verify'> {
  inspect(host: ReadHost, params: Record<string, unknown>, inputs: Inputs): Promise<unknown>;
  plan(params: Record<string, unknown>, facts: unknown, inputs: Inputs): PlanOutcome;
  result?(params: Record<string, unknown>, facts: unknown, steps: readonly StepResult[]): Record<string, Rendered>;
  verify?(host: ReadHost, params: Record<string, unknown>, facts: unknown): Promise<void>;
}

/** Checks a declaration's types where it is written, and forgets them for the registry. */
export function defineResource<P, F>(resource: Resource<P, F>): AnyResource {
  return resource as unknown as AnyResource;
}

export type { TSchema };
