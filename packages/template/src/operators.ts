import { formatText } from './format-text.ts';
import { isMapping, OperationFailure, typeName, type Operand } from './operand.ts';

/*
 * Python's operators on revealed operands (no Secret inside). JavaScript has one kind of number, so `4 / 2` is 2 here
 * and 2.0 in Python.
 */

/** Python's truth: empty text, list and mapping, 0 and none are false. */
export function truthy(value: Operand): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMapping(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

export function equals(a: Operand, b: Operand): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equals(item, b[index] as Operand));
  if (isMapping(a) && isMapping(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equals(a[key] as Operand, b[key] as Operand));
  }
  // true equals 1 in Python
  const [x, y] = [a, b].map((value) => (typeof value === 'boolean' ? Number(value) : value));
  return x === y;
}

/** Negative, zero or positive. @throws OperationFailure for types that have no order */
export function compare(a: Operand, b: Operand): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  if (isNumeric(a) && isNumeric(b)) return Number(a) - Number(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
      const order = compare(a[index] as Operand, b[index] as Operand);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  throw new OperationFailure(`cannot compare ${typeName(a)} with ${typeName(b)}`, 'convert one of them: | int, | string');
}

function isNumeric(value: Operand): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** `needle in haystack`. */
export function contains(haystack: Operand, needle: Operand): boolean {
  if (Array.isArray(haystack)) return haystack.some((item) => equals(item, needle));
  if (isMapping(haystack)) return Object.hasOwn(haystack, String(needle));
  if (typeof haystack === 'string' && typeof needle === 'string') return haystack.includes(needle);
  throw new OperationFailure(`cannot look for ${typeName(needle)} in ${typeName(haystack)}`);
}

/** `+ - * / // % **` @throws OperationFailure */
export function calculate(operator: string, a: Operand, b: Operand): Operand {
  if (operator === 'Add') {
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (typeof a === 'string' && typeof b === 'string') return a + b;
  }
  if (operator === 'Mul' && typeof b === 'number') {
    if (typeof a === 'string') return a.repeat(Math.max(0, b));
    if (Array.isArray(a)) return Array.from({ length: Math.max(0, b) }, () => a).flat(1);
  }
  if (operator === 'Mod' && typeof a === 'string') return formatText(a, Array.isArray(b) ? b : [b]);
  if (!isNumeric(a) || !isNumeric(b)) {
    throw new OperationFailure(
      `cannot compute ${typeName(a)} ${SIGNS[operator] ?? operator} ${typeName(b)}`,
      operator === 'Add' ? 'join texts with ~, or convert with | int' : 'convert with | int or | float',
    );
  }
  const [x, y] = [Number(a), Number(b)];
  if (y === 0 && ['Div', 'FloorDiv', 'Mod'].includes(operator)) throw new OperationFailure('division by zero');
  switch (operator) {
    case 'Add': return x + y;
    case 'Sub': return x - y;
    case 'Mul': return x * y;
    case 'Div': return x / y;
    case 'FloorDiv': return Math.floor(x / y);
    case 'Mod': return x - y * Math.floor(x / y);
    default: return x ** y;
  }
}

const SIGNS: Record<string, string> = { Add: '+', Sub: '-', Mul: '*', Div: '/', FloorDiv: '//', Mod: '%', Pow: '**' };
