import type { HsmfleetError} from '@hsmfleet/contract';
import { Secret } from '@hsmfleet/contract';

/**
 * A name or attribute that does not exist. Asking whether it is defined, and giving it to `default`, is allowed;
 * anything else throws {@link Undefined.error}. An attribute of it is undefined in turn, as with Ansible.
 */
export class Undefined {
  readonly error: HsmfleetError;

  constructor(error: HsmfleetError) {
    this.error = error;
  }
}

/** The kind of {@link OMIT}. */
export class Omitted {
  readonly omitted = true;
}

/** The value of `omit`: the parameter that gets it is left out. */
export const OMIT = new Omitted();

/** A macro, a bound method or a global function. */
export type Callable = (args: Operand[], named: Record<string, Operand>) => Operand;

/** What expressions work on. Secrets stay opaque until a filter or an operator needs their text: see taint.ts. */
export type Operand =
  | null | boolean | number | string | Secret | Undefined | Omitted | Callable | Operand[] | { [key: string]: Operand };

export type Mapping = { [key: string]: Operand };

export function isMapping(value: Operand): value is Mapping {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Secret || value instanceof Undefined || value instanceof Omitted);
}

/** Throws the error of an undefined value; anything else is handed back. */
export function defined<T extends Operand>(value: T): Exclude<T, Undefined> {
  if (value instanceof Undefined) throw value.error;
  return value as Exclude<T, Undefined>;
}

/** The type's name as people of Jinja know it, for messages. Never the value, which may be secret. */
export function typeName(value: Operand): string {
  if (value === null) return 'none';
  if (value instanceof Secret) return 'secret';
  if (value instanceof Undefined) return 'undefined';
  if (value === OMIT) return 'omit';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'boolean': return 'boolean';
    case 'number': return Number.isInteger(value) ? 'integer' : 'float';
    case 'string': return 'string';
    case 'function': return 'function';
    default: return 'mapping';
  }
}

/** Something that cannot be computed; the evaluator adds the place. The message never holds a value. */
export class OperationFailure extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'OperationFailure';
    this.hint = hint;
  }
}
