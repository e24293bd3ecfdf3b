import type { Deferred, SourcePosition } from '@hsmfleet/contract';
import { LOOKUP_FUNCTIONS } from './call-lookup.ts';
import type { BodyNode, CallNode, Expression, KeywordArgsNode, LookupNode, Statement, SymbolNode } from './ast.ts';
import { GLOBALS } from './globals.ts';
import { parsed } from './place.ts';
import { parseExpression, parseText } from './syntax.ts';
import { nodesOf } from './walk.ts';

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
  return findReferences(text, kind, position, undefined);
}

/** {@link referencedVariables} of a text and of the templates bound to it. */
export function referencesOf(deferred: Deferred): References {
  return findReferences(deferred.text, deferred.kind, deferred.position, deferred.bound?.templates);
}

function findReferences(text: string, kind: 'text' | 'expression', position: SourcePosition | undefined, templates: Record<string, Deferred> | undefined): References {
  const key = `${kind}\0${text}`;
  const known = templates === undefined ? cache.get(key) : undefined;
  if (known !== undefined) return known;
  const walker = new Walker(templates ?? {});
  if (kind === 'expression') walker.expression(parsed(text, position, () => parseExpression(text)), NOTHING);
  else {
    walker.body(bodyOf(text, position), NOTHING);
  }
  for (const name of walker.required) walker.optional.delete(name);
  if (cache.size >= 2000) cache.clear();
  const found = { required: walker.required, optional: walker.optional, places: walker.places };
  if (templates === undefined) cache.set(key, found);
  return found;
}

/** Names that one expression uses, guarded or not. */
export function referencesIn(node: Expression): Set<string> {
  const walker = new Walker({});
  walker.expression(node, NOTHING);
  return union(walker.required, walker.optional);
}

/** The parsed text of a template, without Ansible's line of options. */
export function bodyOf(text: string, position: SourcePosition | undefined): BodyNode {
  // Ansible's options line is no template; an empty line in its place keeps the count
  const body = text.replace(/^#jinja2:.*(?=\r?\n)/, '');
  return parsed(body, position, () => parseText(body, { trimBlocks: true, lstripBlocks: false }));
}

const cache = new Map<string, References>();
const NOTHING: ReadonlySet<string> = new Set();

class Walker {
  readonly required = new Set<string>();
  readonly optional = new Set<string>();
  readonly places = new Map<string, { lineno: number; colno: number }>();
  #locals: Set<string>[] = [new Set()];
  readonly #templates: Record<string, Deferred>;
  /** Templates being walked: one may include itself. */
  readonly #active = new Set<Deferred>();

  constructor(templates: Record<string, Deferred>) {
    this.#templates = templates;
  }

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
      case 'With':
        for (const { value } of node.pairs) this.expression(value, guarded);
        this.#scoped(node.pairs.map(({ key }) => key.value), () => {
          this.body(node.body, guarded);
        });
        return;
      case 'Include':
        this.expression(node.template, guarded);
        if (node.withContext !== false) this.#others(node.template, guarded);
        return;
      case 'Import':
        this.#locals.at(-1)?.add(node.target.value);
        if (node.withContext === true) this.#others(node.template, guarded);
        return;
      case 'FromImport':
        for (const each of node.names.children) this.#locals.at(-1)?.add(each.typename === 'Pair' ? (each.value as SymbolNode).value : each.value);
        if (node.withContext === true) this.#others(node.template, guarded);
        return;
      case 'Extends': this.#others(node.template, guarded); return;
      case 'Block':
        this.#scoped(['super', 'self'], () => {
          this.body(node.body, guarded);
        });
        return;
      default:
        this.body(node, guarded);
    }
  }

  /** The templates that a tag may stand for. */
  #others(name: Expression, guarded: ReadonlySet<string>): void {
    for (const node of nodesOf(name)) {
      const template = node.typename === 'Literal' ? this.#templates[String(node.value)] : undefined;
      if (template === undefined || this.#active.has(template)) continue;
      this.#active.add(template);
      this.body(bodyOf(template.text, template.position), guarded);
      this.#active.delete(template);
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
    if (LOOKUP_FUNCTIONS.has(name) || Object.hasOwn(GLOBALS, name) || this.#locals.some((names) => names.has(name))) return;
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
      case 'FunCall':
        this.expression(node.name, guarded);
        this.#args(node.args.children, guarded);
        this.#variablesLookedUp(node, guarded);
        return;
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

  /** `lookup('vars', 'name')` uses that variable. */
  #variablesLookedUp({ name, args: { children } }: CallNode, guarded: ReadonlySet<string>): void {
    if (name.typename !== 'Symbol' || !LOOKUP_FUNCTIONS.has(name.value)) return;
    const [lookup, ...names] = children;
    if (lookup?.typename !== 'Literal' || !/^(?:ansible\.builtin\.)?vars$/.test(String(lookup.value))) return;
    const lenient = children.some((each) => each.typename === 'KeywordArgs' && each.children.some(({ key }) => key.typename === 'Symbol' && key.value === 'default'));
    for (const each of names) {
      if (each.typename === 'Literal' && typeof each.value === 'string') this.#use({ ...each, typename: 'Symbol', value: each.value }, lenient ? union(guarded, new Set([each.value])) : guarded);
    }
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
