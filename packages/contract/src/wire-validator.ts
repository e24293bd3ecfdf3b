import { Ajv, type ValidateFunction } from 'ajv';
import { AgentFrame, ControlFrame } from './wire.ts';

/*
 * The agent's bundle replaces this module by code that ajv generated ahead of time: compiling schemas costs more than
 * the agent's whole start.
 */
let validators: { agent: ValidateFunction<AgentFrame>; control: ValidateFunction<ControlFrame> } | undefined;

function compiled() {
  if (validators === undefined) {
    const ajv = new Ajv({ allErrors: false, discriminator: false });
    validators = { agent: ajv.compile<AgentFrame>(AgentFrame), control: ajv.compile<ControlFrame>(ControlFrame) };
  }
  return validators;
}

/** Undefined when the value is a frame of an agent, else what is wrong with it. */
export function agentFrameProblem(value: unknown): string | undefined {
  const { agent } = compiled();
  return agent(value) ? undefined : problem(agent);
}

/** Undefined when the value is a frame of a control host, else what is wrong with it. */
export function controlFrameProblem(value: unknown): string | undefined {
  const { control } = compiled();
  return control(value) ? undefined : problem(control);
}

function problem(validate: ValidateFunction): string {
  const error = validate.errors?.at(-1);
  return `${error?.instancePath ?? ''} ${error?.message ?? 'is not valid'}`;
}
