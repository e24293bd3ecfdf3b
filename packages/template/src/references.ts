import type { SourcePosition } from '@hsmfleet/contract';
import type { BodyNode, Expression, KeywordArgsNode, LookupNode, Statement, SymbolNode } from './ast.ts';
import { GLOBALS } from './globals.ts';
import { parsed } from './place.ts';
import { parseExpression, parseText } from './syntax.ts';

export interface References {
  /** Must exist for the text to render. */
  required: Set<string>;
  /** Only used where their absence is provided for: `is defined`, `default`, or behind `x is defined and …`. */
  optional: Set<string>;
  /** Where a required name is first used; lines and columns count from 0, from the start of the text. */
  places: Map<string, { lineno: number; colno: number }>;
}

/**
 * Root variable names used, split into those that must exist and those guarded by `is defined` or `default`.
 * A variable is guarded too where the same expression, or an enclosing `if`, asked for it first. Local names (`set`,
 * `for`, macro parameters) are none.
 * @throws HsmfleetError TEMPLATE_INVALID when the text cannot be parsed, with its place if `position` is given
 */
export function referencedVariables(text: string, kind: 'text' | 'expression', position?: SourcePosition): References {
  const key = `${kind}\0${text}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const walker = new Walker();
  if (kind === 'expression') walker.expression(parsed(text, position, () => parseExpression(text)), NOTHING);
  else {
    // Ansible's options line is no template; an empty line in its place keeps the count
    const body = text.replace(/^#jinja2:.*(?=\r?\n)/, '');
    walker.body(parsed(body, position, () => parseText(body, { trimBlocks: true, lstripBlocks: false })), NOTHING);
  }
  for (const name of walker.required) walker.optional.delete(name);
  if (cache.size >= 2000) cache.clear();
  const found = { required: walker.required, optional: walker.optional, places: walker.places };
  cache.set(key, found);
  return found;
}

const cache = new Map<string, References>();
const NOTHING: ReadonlySet<string> = new Set();

class Walker {
  readonly required = new Set<string>();
  readonly optional = new Set<string>();
  readonly places = new Map<string, { lineno: number; colno: number }>();
  #locals: Set<string>[] = [new Set()];

  body(node: BodyNode, guarded: ReadonlySet<string>): void {
    for (const child of node.children) this.#statement(child, guarded);
  }

  #statement(node: Statement, guarded: ReadonlySet<string>): void {
    switch (node.typename) {
      case 'Output':
        for (const child of node.children) if (child.typename !== 'TemplateData') this.expression(child, guarded);
        return;
      case 'If': {
        this.expression(node.cond, guarded);
        this.body(node.body, union(guarded, assured(node.cond, true)));
        const otherwise = union(guarded, assured(node.cond, false));
        if (node.else_?.typename === 'If') this.#statement(node.else_, otherwise);
        else if (node.else_ !== null) this.body(node.else_, otherwise);
        return;
      }
      case 'For': {
        const filtered = node.arr.typename === 'InlineIf' && node.arr.else_ === null ? node.arr : undefined;
        this.expression(filtered?.body ?? node.arr, guarded);
        const names = node.name.typename === 'Symbol' ? [node.name.value] : node.name.children.map((child) => child.value);
        this.#scoped([...names, 'loop'], () => {
          if (filtered !== undefined) this.expression(filtered.cond, guarded);
          this.body(node.body, guarded);
        });
        if (node.else_ !== null) this.body(node.else_, guarded);
        return;
      }
      case 'Set':
        if (node.value !== null) this.expression(node.value, guarded);
        else if (node.body !== undefined) this.body(node.body.body, guarded);
        for (const target of node.targets) {
          if (target.typename === 'Symbol') this.#locals.at(-1)?.add(target.value);
          else this.expression(target, guarded);
        }
        return;
      case 'Macro':
        this.#locals.at(-1)?.add(node.name.value);
        this.#callable(node.args.children, node.body, guarded);
        return;
      default:
        this.body(node, guarded);
    }
  }

  #callable(params: (Expression | KeywordArgsNode)[], body: BodyNode, guarded: ReadonlySet<string>): void {
    const names = params.flatMap((param) => {
      if (param.typename === 'Symbol') return [param.value];
      return param.typename === 'KeywordArgs' || param.typename === 'Dict' ? param.children.map((pair) => (pair.key as { value: string }).value) : [];
    });
    this.#scoped([...names, 'caller', 'varargs', 'kwargs'], () => {
      this.body(body, guarded);
    });
  }

  #scoped(names: string[], walk: () => void): void {
    this.#locals.push(new Set(names));
    walk();
    this.#locals.pop();
  }

  #use({ value: name, lineno, colno }: SymbolNode, guarded: ReadonlySet<string>): void {
    if (Object.hasOwn(GLOBALS, name) || this.#locals.some((names) => names.has(name))) return;
    if (guarded.has(name)) this.optional.add(name);
    else if (!this.required.has(name)) {
      this.required.add(name);
      this.places.set(name, { lineno, colno });
    }
  }

  expression(node: Expression, guarded: ReadonlySet<string>): void {
    switch (node.typename) {
      case 'Literal': return;
      case 'Symbol': this.#use(node, guarded); return;
      case 'Group':
      case 'Array': for (const child of node.children) this.expression(child, guarded); return;
      case 'Dict': for (const pair of node.children) { this.expression(pair.key, guarded); this.expression(pair.value, guarded); } return;
      case 'LookupVal': this.#lookup(node, guarded); return;
      case 'FunCall': this.expression(node.name, guarded); this.#args(node.args.children, guarded); return;
      case 'Filter': {
        const [input, ...rest] = node.args.children;
        const lenient = ['default', 'd', 'mandatory'].includes(node.name.value.replace(/^ansible\.\w+\./, ''));
        // "x | mandatory" asks for the variable with a message of its own: rendering gives it
        if (input !== undefined && input.typename !== 'KeywordArgs') this.expression(input, lenient ? union(guarded, rootOf(input)) : guarded);
        this.#args(rest, guarded);
        return;
      }
      case 'Is': {
        const lenient = ['defined', 'undefined'].includes(node.right.name.value);
        this.expression(node.left, lenient ? union(guarded, rootOf(node.left)) : guarded);
        this.#args(node.right.args.children, guarded);
        return;
      }
      case 'Compare':
        this.expression(node.expr, guarded);
        for (const op of node.ops) this.expression(op.expr, guarded);
        return;
      case 'InlineIf':
        this.expression(node.cond, guarded);
        this.expression(node.body, union(guarded, assured(node.cond, true)));
        if (node.else_ !== null) this.expression(node.else_, union(guarded, assured(node.cond, false)));
        return;
      case 'And':
      case 'Or':
        this.expression(node.left, guarded);
        this.expression(node.right, union(guarded, assured(node.left, node.typename === 'And')));
        return;
      case 'Not': case 'Neg': case 'Pos': this.expression(node.target, guarded); return;
      case 'Caller': this.#callable(node.args.children, node.body, guarded); return;
      case 'Capture': this.body(node.body, guarded); return;
      default: this.expression(node.left, guarded); this.expression(node.right, guarded);
    }
  }

  #lookup(node: LookupNode, guarded: ReadonlySet<string>): void {
    this.expression(node.target, guarded);
    if (node.val.typename !== 'Slice') this.expression(node.val, guarded);
    else for (const bound of [node.val.start, node.val.stop, node.val.step]) if (bound !== null) this.expression(bound, guarded);
  }

  #args(nodes: (Expression | KeywordArgsNode)[], guarded: ReadonlySet<string>): void {
    for (const node of nodes) {
      if (node.typename === 'KeywordArgs') for (const pair of node.children) this.expression(pair.value, guarded);
      else this.expression(node, guarded);
    }
  }
}

/**
 * Root variable names that are certainly defined when an expression holds: those it asks for by `is defined`.
 * @throws HsmfleetError TEMPLATE_INVALID
 */
export function assuredVariables(expression: string, position?: SourcePosition): Set<string> {
  return assured(parsed(expression, position, () => parseExpression(expression)), true);
}

/** Names that are certainly defined when the condition came out as `truth`. */
function assured(node: Expression, truth: boolean): Set<string> {
  switch (node.typename) {
    case 'Group': return node.children.length === 1 ? assured(node.children[0] as Expression, truth) : new Set();
    case 'Not': return assured(node.target, !truth);
    case 'Is': return node.right.name.value === (truth ? 'defined' : 'undefined') ? rootOf(node.left) : new Set();
    case 'And': return truth ? union(assured(node.left, true), assured(node.right, true)) : new Set();
    case 'Or': return truth ? new Set() : union(assured(node.left, false), assured(node.right, false));
    default: return new Set();
  }
}

function rootOf(node: Expression | KeywordArgsNode): Set<string> {
  if (node.typename === 'Symbol') return new Set([node.value]);
  if (node.typename === 'Group' && node.children.length === 1) return rootOf(node.children[0] as Expression);
  return node.typename === 'LookupVal' ? rootOf(node.target) : new Set();
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a, ...b]);
}
