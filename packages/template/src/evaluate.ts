import type { Deferred, HsmfleetError } from '@hsmfleet/contract';
import { Secret, SECRET_MASK, type ErrorCode } from '@hsmfleet/contract';
import type { CallNode, CompareNode, Expression, KeywordArgsNode, LookupNode, PairNode, SliceNode } from './ast.ts';
import { LOOKUP_FUNCTIONS, lookupRequest, PURE_LOOKUPS, runLookup, type LookupRequest } from './call-lookup.ts';
import type { FilterCall } from './filters/filter.ts';
import { FILTERS } from './filters/index.ts';
import { GLOBALS } from './globals.ts';
import { METHODS } from './methods.ts';
import { defined, isMapping, OperationFailure, typeName, Undefined, type Mapping, type Operand } from './operand.ts';
import { calculate, compare, contains, equals } from './operators.ts';
import { toText } from './represent.ts';
import { sliceOf } from './slice.ts';
import { conceal, holds, reveal } from './taint.ts';
import { TESTS } from './tests.ts';

/** Where a node is within its text; lines and columns count from 0. */
interface At {
  lineno: number;
  colno: number;
}

/** What an evaluator needs from around it. */
export interface Surroundings {
  /** A variable of the scope, rendered; undefined when there is none. */
  resolve(name: string): Operand | undefined;
  /** Runs a lookup that reads what is on the control host. */
  find(request: LookupRequest, at: At): Operand[];
  /** The result of the lookup whose call stands there, where the control host has worked it out already. */
  boundLookup(at: At): Operand | undefined;
  /** Another template that is bound to the text. */
  template(name: string): Deferred | undefined;
  /** What an evaluator of that template needs; `text` is its text as it is parsed. */
  within(template: Deferred, text: string): Surroundings;
  /** Builds the error for a place in the text. */
  problem(code: ErrorCode, message: string, at: At, hint?: string): HsmfleetError;
}

/** Evaluates the expressions of one text. Statements are in render.ts, which extends this. */
export class Evaluator {
  protected readonly around: Surroundings;
  /** Names set by `set`, `for` and macros, innermost last. */
  protected frames: Map<string, Operand>[] = [new Map()];

  constructor(around: Surroundings) {
    this.around = around;
  }

  evaluate(node: Expression): Operand {
    switch (node.typename) {
      case 'Literal': return node.value;
      case 'Symbol': return this.#lookUp(node.value, node);
      case 'Group': return this.evaluate(node.children[0] as Expression);
      case 'Array': return node.children.map((child) => this.evaluate(child));
      case 'Dict': return this.#mapping(node.children);
      case 'LookupVal': return this.#member(node);
      case 'FunCall': return this.#call(node);
      case 'Filter': {
        const { args, named } = this.#arguments(node.args.children);
        return this.#filter(node.name.value, args, named, node);
      }
      case 'Is': {
        const { args, named } = this.#arguments(node.right.args.children);
        return this.#test(node.right.name.value, [this.evaluate(node.left), ...args], named, node.right);
      }
      case 'Compare': return this.#compare(node);
      case 'InlineIf':
        if (this.isTrue(node.cond)) return this.evaluate(node.body);
        return node.else_ === null
          ? new Undefined(this.around.problem('UNDEFINED_VARIABLE', 'the condition is false and there is no else', node))
          : this.evaluate(node.else_);
      case 'Not': return !this.isTrue(node.target);
      case 'And': {
        const left = this.evaluate(node.left);
        return holds(left) ? this.evaluate(node.right) : left;
      }
      case 'Or': {
        const left = this.evaluate(node.left);
        return holds(left) ? left : this.evaluate(node.right);
      }
      case 'Neg': return this.#computed(node, [0, this.evaluate(node.target)], ([zero, value]) => calculate('Sub', zero, value));
      case 'Pos': return this.#computed(node, [0, this.evaluate(node.target)], ([zero, value]) => calculate('Add', zero, value));
      case 'Concat':
        return this.#computed(node, [this.evaluate(node.left), this.evaluate(node.right)], ([a, b]) => toText(a) + toText(b));
      case 'Caller':
      case 'Capture': return this.block(node);
      default:
        return this.#computed(node, [this.evaluate(node.left), this.evaluate(node.right)], ([a, b]) => calculate(node.typename, a, b));
    }
  }

  /** The truth of an expression. @throws HsmfleetError when it is undefined */
  isTrue(node: Expression): boolean {
    return holds(this.evaluate(node));
  }

  /** Blocks inside expressions (a caller, a captured text). An evaluator of bare expressions never meets one. */
  protected block(node: Expression): Operand {
    throw this.around.problem('TEMPLATE_INVALID', 'a block is not allowed in an expression', node);
  }

  /** Runs a computation, so that its failure names the place. */
  protected guard<T>(at: At, compute: () => T): T {
    try {
      return compute();
    } catch (thrown) {
      if (thrown instanceof OperationFailure) throw this.around.problem('TEMPLATE_INVALID', thrown.message, at, thrown.hint);
      throw thrown;
    }
  }

  /** Computes on revealed operands; a result that a secret went into is secret. */
  #computed(at: At, operands: Operand[], compute: (revealed: [Operand, Operand]) => Operand): Operand {
    return this.guard(at, () => {
      const { value, origin } = reveal(operands);
      return conceal(compute(origin === undefined ? (value as [Operand, Operand]) : numeric(operands, value as Operand[])), origin);
    });
  }

  #lookUp(name: string, at: At): Operand {
    for (let index = this.frames.length - 1; index >= 0; index -= 1) {
      const value = this.frames[index]?.get(name);
      if (value !== undefined) return value;
    }
    const value = this.around.resolve(name);
    if (value !== undefined) return value;
    if (Object.hasOwn(GLOBALS, name)) return GLOBALS[name] as Operand;
    return new Undefined(this.around.problem('UNDEFINED_VARIABLE', `the variable "${name}" is not defined`, at));
  }

  #mapping(pairs: PairNode[]): Mapping {
    return Object.fromEntries(pairs.map((pair) => {
      const { value: key, origin } = reveal(this.evaluate(pair.key));
      // keys are shown wherever mappings are: they are names
      if (origin !== undefined) throw this.around.problem('TEMPLATE_INVALID', 'a secret cannot be the key of a mapping', pair, 'make it a value');
      return [toText(key), this.evaluate(pair.value)];
    }));
  }

  #compare(node: CompareNode): boolean {
    let left = this.evaluate(node.expr);
    for (const op of node.ops) {
      const right = this.evaluate(op.expr);
      const holds = this.guard(op, () => {
        const { value, origin } = reveal([left, right]);
        const [a, b] = origin === undefined ? (value as [Operand, Operand]) : numeric([left, right], value as Operand[]);
        return compared(op.type, a, b);
      });
      if (!holds) return false;
      left = right;
    }
    return true;
  }

  #member(node: LookupNode): Operand {
    const target = this.evaluate(node.target);
    if (target instanceof Undefined) return target;
    if (node.val.typename === 'Slice') return this.#slice(target, node.val);
    const { value: key, origin } = reveal(this.evaluate(node.val));
    const member = memberOf(target, key);
    if (member !== undefined) return member;
    const shown = origin === undefined ? String(key) : SECRET_MASK;
    const what = `"${describe(node.target)}" has no ${typeof key === 'number' ? `element ${shown}` : `attribute "${shown}"`}`;
    const type = isMapping(target) || Array.isArray(target) ? '' : `: it is ${typeName(target)}`;
    return new Undefined(this.around.problem('UNDEFINED_VARIABLE', what + type, node));
  }

  #slice(target: Operand, slice: SliceNode): Operand {
    const bounds = [slice.start, slice.stop, slice.step].map((bound) => (bound === null ? null : this.evaluate(bound)));
    return this.guard(slice, () => {
      if (Array.isArray(target)) return sliceOf(target, bounds);
      const { value, origin } = reveal(target);
      if (typeof value !== 'string') throw new OperationFailure(`${typeName(target)} has no slices`);
      return conceal(sliceOf([...value], bounds).join(''), origin);
    });
  }

  #call(node: CallNode): Operand {
    if (node.name.typename === 'Symbol' && LOOKUP_FUNCTIONS.has(node.name.value)) return this.#lookUpElsewhere(node, node.name.value);
    const { args, named } = this.#arguments(node.args.children);
    if (node.name.typename === 'LookupVal' && node.name.val.typename === 'Literal') {
      const target = this.evaluate(node.name.target);
      const method = METHODS[String(node.name.val.value)];
      const own = isMapping(target) && typeof target[String(node.name.val.value)] === 'function';
      if (method !== undefined && !own) {
        return this.guard(node, () => {
          // methods of texts compute on the text; those of lists and mappings hand out elements as they are
          if (isMapping(target) || Array.isArray(target)) return method(target, args);
          const { value, origin } = reveal([target, ...args]);
          const [self, ...rest] = value as Operand[];
          return conceal(method(self as Operand, rest), origin);
        });
      }
    }
    const callee = defined(this.evaluate(node.name));
    if (typeof callee !== 'function') {
      throw this.around.problem('TEMPLATE_INVALID', `"${describe(node.name)}" is not a function`, node);
    }
    return this.guard(node, () => callee(args, named));
  }

  #lookUpElsewhere(node: CallNode, fn: string): Operand {
    const bound = this.around.boundLookup(node);
    if (bound !== undefined) return bound;
    const { args, named } = this.#arguments(node.args.children);
    return this.guard(node, () =>
      runLookup(lookupRequest(fn, args.map(defined), named), (request) => {
        if (request.name === 'vars') return this.#variablesNamed(request, node);
        return PURE_LOOKUPS[request.name]?.(request.args, request.options) ?? this.around.find(request, node);
      }),
    );
  }

  #variablesNamed({ args, options }: LookupRequest, at: At): Operand[] {
    return args.map((name) => {
      if (typeof name !== 'string') throw new OperationFailure(`the lookup "vars" takes names of variables, not ${typeName(name)}`);
      // names such as none, which every template knows, are no variables
      const value = this.around.resolve(name) ?? new Undefined(this.around.problem('UNDEFINED_VARIABLE', `the variable "${name}" is not defined`, at));
      return defined(value instanceof Undefined && options.default !== undefined ? options.default : value);
    });
  }

  #arguments(nodes: (Expression | KeywordArgsNode)[]): { args: Operand[]; named: Mapping } {
    const args: Operand[] = [];
    const named: Mapping = {};
    for (const node of nodes) {
      if (node.typename !== 'KeywordArgs') args.push(this.evaluate(node));
      else for (const pair of node.children) named[(pair.key as { value: string }).value] = this.evaluate(pair.value);
    }
    return { args, named };
  }

  #filter(name: string, args: Operand[], named: Mapping, at: At): Operand {
    const filter = FILTERS[shortName(name)];
    if (filter === undefined) throw this.around.problem('TEMPLATE_INVALID', `the filter "${name}" is not known`, at);
    if (filter.lenient !== true) args.forEach(defined);
    return this.guard(at, () => {
      if (filter.opaque === true) return filter.run(args[0] as Operand, this.#filterCall(args.slice(1), named, at));
      const { value, origin } = reveal([args, named]);
      const [known, knownNamed] = value as [Operand[], Mapping];
      return conceal(filter.run(known[0] as Operand, this.#filterCall(known.slice(1), knownNamed, at)), origin);
    });
  }

  #filterCall(args: Operand[], named: Mapping, at: At): FilterCall {
    return {
      args,
      named,
      apply: (name, input, rest) => this.#filter(name, [input, ...rest], {}, at),
      check: (name, input, rest) => this.#test(name, [input, ...rest], {}, at),
      member: (target, key) => {
        const { value, origin } = reveal(key);
        const shown = origin === undefined ? String(value) : SECRET_MASK;
        return memberOf(target, value) ?? new Undefined(this.around.problem('UNDEFINED_VARIABLE', `an element has no attribute "${shown}"`, at));
      },
    };
  }

  #test(name: string, args: Operand[], named: Mapping, at: At): boolean {
    const test = TESTS[shortName(name)];
    if (test === undefined) throw this.around.problem('TEMPLATE_INVALID', `the test "${name}" is not known`, at);
    if (test.lenient === true) return test.run(args, named);
    return this.guard(at, () => {
      const { value } = reveal([args, named]);
      const [known, knownNamed] = value as [Operand[], Mapping];
      return test.run(known, knownNamed);
    });
  }
}

/** A secret is text; beside a number it counts as the number that a filter such as `int` made of it. */
function numeric(operands: Operand[], revealed: Operand[]): [Operand, Operand] {
  const [a, b] = revealed.map((value, index) => {
    const partner = revealed[1 - index];
    return operands[index] instanceof Secret && typeof partner === 'number' && /^-?\d+(\.\d+)?$/.test(String(value)) ? Number(value) : value;
  });
  return [a as Operand, b as Operand];
}

/** An attribute or element; undefined when there is none. */
export function memberOf(target: Operand, key: Operand): Operand | undefined {
  if (Array.isArray(target) && typeof key === 'number') return target.at(key);
  if (isMapping(target)) return Object.hasOwn(target, String(key)) ? target[String(key)] : undefined;
  if (typeof key !== 'number') return undefined;
  const { value, origin } = reveal(target);
  const char = typeof value === 'string' ? value.at(key) : undefined;
  return char === undefined ? undefined : conceal(char, origin);
}

function compared(type: string, left: Operand, right: Operand): boolean {
  switch (type) {
    case '==': return equals(left, right);
    case '!=': return !equals(left, right);
    case 'in': return contains(right, left);
    case 'not in': return !contains(right, left);
    case '<': return compare(left, right) < 0;
    case '>': return compare(left, right) > 0;
    case '<=': return compare(left, right) <= 0;
    default: return compare(left, right) >= 0;
  }
}

/** `ansible.builtin.combine` is `combine`. */
function shortName(name: string): string {
  return name.replace(/^ansible\.(?:builtin|legacy)\./, '');
}

/** An expression as a person wrote it, as far as it is a path. */
export function describe(node: Expression): string {
  if (node.typename === 'Symbol') return node.value;
  if (node.typename !== 'LookupVal') return 'the expression';
  const key = node.val.typename === 'Literal' ? String(node.val.value) : '…';
  return `${describe(node.target)}.${key}`;
}
