import { Ajv, type ValidateFunction } from 'ajv';
import { PlannedStep } from './plan.ts';
import { AgentFrame, ControlFrame } from './wire.ts';

/*
 * The agent's bundle replaces this module by code that ajv generated ahead of time: compiling schemas costs more than
 * the agent's whole start.
 */
let agent: ValidateFunction<AgentFrame> | undefined;
let control: ValidateFunction<ControlFrame> | undefined;

/** Undefined when the value is a frame of an agent, else what is wrong with it. */
export function agentFrameProblem(value: unknown): string | undefined {
  agent ??= createAjv().compile<AgentFrame>(AgentFrame);
  return agent(value) ? undefined : problem(agent);
}

/** Undefined when the value is a frame of a control host, else what is wrong with it. */
export function controlFrameProblem(value: unknown): string | undefined {
  control ??= createAjv().compile<ControlFrame>(ControlFrame);
  return control(value) ? undefined : problem(control);
}

function createAjv(): Ajv {
  return new Ajv({ allErrors: false, discriminator: false }).addSchema(PlannedStep);
}

function problem(validate: ValidateFunction): string {
  const error = validate.errors?.at(-1);
  return `${error?.instancePath ?? ''} ${error?.message ?? 'is not valid'}`;
}
