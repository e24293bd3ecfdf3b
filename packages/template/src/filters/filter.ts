import type { Mapping, Operand } from '../operand.ts';

/** Arguments of one use of a filter, and what filters over elements need. */
export interface FilterCall {
  /** Positional arguments after the input. */
  args: Operand[];
  named: Mapping;
  /** Applies another filter by name. */
  apply(name: string, input: Operand, rest: Operand[]): Operand;
  /** Applies a test by name. */
  check(name: string, input: Operand, rest: Operand[]): boolean;
  /** An attribute or element, Undefined when there is none. */
  member(target: Operand, key: Operand): Operand;
}

export interface Filter {
  /** It gets secrets as they are, because it only hands elements on. All others get and give revealed values. */
  opaque?: true;
  /** Its input may be undefined. */
  lenient?: true;
  run(input: Operand, call: FilterCall): Operand;
}

/** An argument by position or name. */
export function argument(call: FilterCall, index: number, name: string): Operand | undefined {
  return call.args[index] ?? call.named[name];
}

/** A filter over a revealed value. */
export function computing(run: Filter['run']): Filter {
  return { run };
}

/** A filter that hands elements on as they are. */
export function handing(run: Filter['run']): Filter {
  return { opaque: true, run };
}
