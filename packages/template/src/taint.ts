import { Secret } from '@hsmfleet/contract';
import { defined, isMapping, type Operand } from './operand.ts';
import { truthy } from './operators.ts';

/**
 * The one place where templates look at a secret's value. What is computed from it goes back through {@link conceal},
 * so that a secret which reaches an output is a Secret again, whatever filters it went through.
 */
export interface Revealed<T> {
  value: T;
  /** Origin of a secret that was inside; undefined when there was none. */
  origin: string | undefined;
}

/** A copy with every secret inside replaced by its text. @throws HsmfleetError when something inside is undefined */
export function reveal(value: Operand): Revealed<Operand> {
  if (value instanceof Secret) return { value: value.reveal(), origin: value.origin };
  if (Array.isArray(value)) {
    const items = value.map(reveal);
    return { value: items.map((item) => item.value), origin: items.find((item) => item.origin !== undefined)?.origin };
  }
  if (isMapping(value)) {
    const entries = Object.entries(value).map(([key, item]) => [key, reveal(item)] as const);
    return {
      value: Object.fromEntries(entries.map(([key, item]) => [key, item.value])),
      origin: entries.find(([, item]) => item.origin !== undefined)?.[1].origin,
    };
  }
  return { value: defined(value), origin: undefined };
}

/** Wraps every text and number that came out of a computation over a secret. Truth values are not secret. */
export function conceal(value: Operand, origin: string | undefined): Operand {
  if (origin === undefined) return value;
  if (typeof value === 'string' || typeof value === 'number') return new Secret(String(value), origin);
  if (Array.isArray(value)) return value.map((item) => conceal(item, origin));
  if (isMapping(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, conceal(item, origin)]));
  return value;
}

/** Python's truth of a value that may be a secret. @throws HsmfleetError when it is undefined */
export function holds(value: Operand): boolean {
  const known = defined(value);
  return known instanceof Secret ? known.reveal() !== '' : truthy(known);
}
