import { isMapping, OperationFailure, typeName, type Operand } from './operand.ts';
import { represent, toText } from './represent.ts';

/** Python's `%` formatting: `%s %r %d %i %x %X %o %e %f %g %%` with flags, width and precision, and `%(name)s`. */
export function formatText(format: string, args: readonly Operand[]): string {
  let next = 0;
  const named = args[0] !== undefined && isMapping(args[0]) ? args[0] : undefined;
  return format.replace(
    /%(?:\((\w+)\))?([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_match, name: string | undefined, flags: string, width: string | undefined, precision: string | undefined, kind: string) => {
      if (kind === '%') return '%';
      const value = name === undefined ? args[next++] : named?.[name];
      if (value === undefined) throw new OperationFailure('not enough values for the format');
      return pad(convert(value, kind, flags, precision), flags, Number(width ?? 0));
    },
  );
}

function convert(value: Operand, kind: string, flags: string, precision: string | undefined): string {
  if (kind === 's') return toText(value).slice(0, precision === undefined ? undefined : Number(precision));
  if (kind === 'r') return represent(value);
  if (typeof value !== 'number' && typeof value !== 'boolean') {
    throw new OperationFailure(`%${kind} needs a number, not ${typeName(value)}`, 'convert with | int');
  }
  const number = Number(value);
  const text = digits(number, kind, precision === undefined ? undefined : Number(precision));
  return number >= 0 && flags.includes('+') ? `+${text}` : text;
}

function digits(number: number, kind: string, precision: number | undefined): string {
  switch (kind) {
    case 'd': case 'i': case 'u': return String(Math.trunc(number));
    case 'x': return Math.trunc(number).toString(16);
    case 'X': return Math.trunc(number).toString(16).toUpperCase();
    case 'o': return Math.trunc(number).toString(8);
    case 'f': case 'F': return number.toFixed(precision ?? 6);
    case 'e': return number.toExponential(precision ?? 6).replace(/e([-+])(\d)$/, 'e$10$2');
    case 'g': return String(Number(number.toPrecision(precision ?? 6)));
    default: throw new OperationFailure(`the format %${kind} is not known`);
  }
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
