import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import { ApiError } from './api-error.ts';

/** Query strings and paths are text, so "5" is a number there; bodies say what they mean. */
const lenient = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: false, strict: false });
const exact = new Ajv({ useDefaults: true, allErrors: false, strict: false });

/** Makes the check of one part of a request. It fills in defaults and throws an ApiError INVALID that names what is wrong. */
export function inputCheckOf(schema: TSchema | undefined, part: 'path' | 'query' | 'body'): (value: unknown) => unknown {
  if (schema === undefined) return () => undefined;
  const check = (part === 'body' ? exact : lenient).compile(schema);
  return (value) => {
    // what arrived may have no prototype; an absent body is an empty one
    const copy: unknown = part === 'body' ? (value ?? {}) : { ...(value as object) };
    if (!check(copy)) throw new ApiError('INVALID', describe(part, check.errors?.[0]));
    return copy;
  };
}

function describe(part: string, error: ErrorObject | undefined): string {
  if (error === undefined) return `the ${part} is not as it has to be`;
  const where = error.instancePath === '' ? part : `${part}, ${error.instancePath.slice(1)}`;
  const extra = error.keyword === 'additionalProperties' ? `: "${String((error.params as { additionalProperty?: unknown }).additionalProperty).slice(0, 60)}"` : '';
  return `${where}: ${error.message ?? 'not valid'}${extra}`;
}
