import type { AnyResource } from '@hsmfleet/resource';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { addKeywords } from './schema-keywords.ts';
import { secretPathsOf, type SecretPath } from './secret-params.ts';

/*
 * The agent's bundle replaces this module by code that ajv generated ahead of time: compiling schemas costs more than
 * the agent's whole start.
 */

/** A compiled parameters schema. */
export interface ParamsValidator {
  /** What is wrong, in ajv's terms; empty when nothing is. */
  errors(params: unknown): readonly ParamsError[];
  secrets: readonly SecretPath[];
}

/** The part of ajv's error objects that is used. */
export type ParamsError = Pick<ErrorObject, 'instancePath' | 'keyword' | 'params' | 'message'>;

const compiled = new WeakMap<AnyResource, ParamsValidator>();

/** The validator of a resource's parameters; compiled once. */
export function paramsValidator(resource: AnyResource): Promise<ParamsValidator> {
  let validator = compiled.get(resource);
  if (validator === undefined) {
    const validate: ValidateFunction = addKeywords(new Ajv({ allErrors: false, strict: false })).compile(resource.params);
    validator = {
      errors: (params) => (validate(params) ? [] : (validate.errors ?? [])),
      secrets: secretPathsOf(resource.params),
    };
    compiled.set(resource, validator);
  }
  return Promise.resolve(validator);
}
