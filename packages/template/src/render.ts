import type { Deferred} from '@hsmfleet/contract';
import { HsmfleetError, Secret, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { BodyNode, Expression, ForNode, IfNode, KeywordArgsNode, SetNode, Statement } from './ast.ts';
import { Evaluator } from './evaluate.ts';
import { elementsOf } from './filters/collections.ts';
import { isNamespace } from './globals.ts';
import { defined, isMapping, OMIT, OperationFailure, Undefined, type Callable, type Mapping, type Operand } from './operand.ts';
import { parsed } from './place.ts';
import { toText } from './represent.ts';
import type { Scope } from './scope.ts';
import { Session } from './session.ts';
import { parseExpression, parseText, type TextSyntax } from './syntax.ts';
import { conceal, holds, reveal } from './taint.ts';

export interface RenderOptions {
  /** Drop the line break after a block tag, as Ansible does everywhere; true by default. */
  trimBlocks?: boolean;
}

/** Text put out so far, and the origin of a secret that went into it. */
interface Output {
  text: string;
  origin: string | undefined;
}

/** Evaluates statements into text. */
class Renderer extends Evaluator {
  #out: Output = { text: '', origin: undefined };

  render(body: BodyNode): string | Secret {
    return this.#captured(() => {
      this.#body(body);
    });
  }

  protected override block(node: Expression): Operand {
    if (node.typename === 'Capture') return this.render(node.body);
    if (node.typename === 'Caller') return this.#macro(node.args.children, node.body);
    return super.block(node);
  }

  #captured(write: () => void): string | Secret {
    const before = this.#out;
    this.#out = { text: '', origin: undefined };
    try {
      write();
      const { text, origin } = this.#out;
      return origin === undefined ? text : new Secret(text, origin);
    } finally {
      this.#out = before;
    }
  }

  #body(body: BodyNode): void {
    for (const child of body.children) this.#statement(child);
  }

  #statement(node: Statement): void {
    switch (node.typename) {
      case 'Output':
        for (const child of node.children) {
          if (child.typename === 'TemplateData') this.#out.text += child.value;
          else this.#write(defined(this.evaluate(child)), child);
        }
        return;
      case 'If': this.#if(node); return;
      case 'For': this.#for(node); return;
      case 'Set': this.#set(node); return;
      case 'Macro': this.#frame.set(node.name.value, this.#macro(node.args.children, node.body)); return;
      default: this.#body(node);
    }
  }

  get #frame(): Map<string, Operand> {
    return this.frames.at(-1) as Map<string, Operand>;
  }

  #write(value: Operand, at: Expression): void {
    this.guard(at, () => {
      const { value: known, origin } = reveal(value);
      this.#out.text += toText(known);
      this.#out.origin ??= origin;
    });
  }

  #if(node: IfNode): void {
    if (this.isTrue(node.cond)) this.#body(node.body);
    else if (node.else_?.typename === 'If') this.#if(node.else_);
    else if (node.else_ !== null) this.#body(node.else_);
  }

  #for(node: ForNode): void {
    // "for x in list if condition" is parsed as a conditional expression without else
    const filtered = node.arr.typename === 'InlineIf' && node.arr.else_ === null ? node.arr : undefined;
    const source = defined(this.evaluate(filtered === undefined ? node.arr : filtered.body));
    let items = this.guard(node.arr, () => elementsOf(source));
    if (filtered !== undefined) {
      items = items.filter((item) => this.#within(() => {
        this.#bind(node, item);
        return this.isTrue(filtered.cond);
      }));
    }
    if (items.length === 0 && node.else_ !== null) this.#body(node.else_);
    items.forEach((item, index) => {
      this.#within(() => {
        this.#bind(node, item);
        this.#frame.set('loop', loopVariable(items, index));
        this.#body(node.body);
      });
    });
  }

  #within<T>(run: () => T): T {
    this.frames.push(new Map());
    try {
      return run();
    } finally {
      this.frames.pop();
    }
  }

  #bind(node: ForNode, item: Operand): void {
    if (node.name.typename === 'Symbol') {
      this.#frame.set(node.name.value, item);
      return;
    }
    const names = node.name.children;
    if (!Array.isArray(item) || item.length !== names.length) {
      throw this.around.problem('TEMPLATE_INVALID', `an element does not have ${String(names.length)} parts`, node.name, 'use x.items() to walk a mapping');
    }
    names.forEach((name, index) => this.#frame.set(name.value, item[index] as Operand));
  }

  #set(node: SetNode): void {
    const value = node.value === null ? this.render((node.body as { body: BodyNode }).body) : this.evaluate(node.value);
    const values = node.targets.length === 1 ? [value] : (value as Operand[]);
    node.targets.forEach((target, index) => {
      if (target.typename === 'Symbol') {
        this.#frame.set(target.value, values[index] ?? null);
        return;
      }
      const owner = target.typename === 'LookupVal' ? this.evaluate(target.target) : null;
      if (target.typename !== 'LookupVal' || target.val.typename !== 'Literal' || !isNamespace(owner)) {
        throw this.around.problem('TEMPLATE_INVALID', 'only names and attributes of a namespace() can be set', target);
      }
      owner[String(target.val.value)] = values[index] ?? null;
    });
  }

  #macro(params: (Expression | KeywordArgsNode)[], body: BodyNode): Callable {
    const names = params.flatMap((param) => (param.typename === 'Symbol' ? [param.value] : []));
    const optional = params.flatMap((param) => (param.typename === 'KeywordArgs' || param.typename === 'Dict' ? param.children : []));
    const all = [...names, ...optional.map((pair) => (pair.key as { value: string }).value)];
    const closure = [...this.frames];
    return (args, named) => {
      const callers = this.frames;
      this.frames = [...closure, new Map()];
      try {
        for (const pair of optional) this.#frame.set((pair.key as { value: string }).value, this.evaluate(pair.value));
        args.forEach((arg, index) => {
          const name = all[index];
          if (name === undefined) throw new OperationFailure('the macro is called with too many arguments');
          this.#frame.set(name, arg);
        });
        for (const [name, value] of Object.entries(named)) this.#frame.set(name, value);
        return this.render(body);
      } finally {
        this.frames = callers;
      }
    };
  }
}

function loopVariable(items: Operand[], at: number): Mapping {
  const length = items.length;
  return {
    index: at + 1, index0: at, revindex: length - at, revindex0: length - at - 1, first: at === 0, last: at === length - 1, length,
    ...(at > 0 ? { previtem: items[at - 1] as Operand } : {}),
    ...(at < length - 1 ? { nextitem: items[at + 1] as Operand } : {}),
    cycle: (args: Operand[]) => args[at % args.length] ?? null,
  };
}

/**
 * Renders text with markup; always text, None is empty.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID with the position within the file of `position`
 */
export function renderText(text: string, scope: Scope, position?: SourcePosition, options: RenderOptions = {}): string | Secret {
  return renderIn(new Session(scope, renderDeferred), text, position, options);
}

/**
 * Evaluates an expression without braces, as `when` has it; the value keeps its type.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID
 */
export function evaluate(expression: string, scope: Scope, position?: SourcePosition): Rendered {
  return finished(evaluateIn(new Session(scope, renderDeferred), expression, position));
}

/**
 * Renders every Deferred inside. Text that is one `{{ expression }}` keeps the type of its value. Entries of mappings
 * and lists that come out as `omit` are left out.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID
 */
export function renderValue(value: Value, scope: Scope): Rendered {
  return finished(new Session(scope, renderDeferred).settle(value));
}

function renderIn(session: Session, text: string, position: SourcePosition | undefined, options: RenderOptions): string | Secret {
  const { body, syntax, skipped } = headed(text, options);
  const start = position === undefined || skipped === 0 ? position : { ...position, line: position.line + skipped };
  const node = parsed(body, start, () => parseText(body, syntax));
  return new Renderer(session.surroundings(body, start)).render(node);
}

/** Ansible's first line `#jinja2: trim_blocks: False, lstrip_blocks: True`. */
function headed(text: string, options: RenderOptions): { body: string; syntax: TextSyntax; skipped: number } {
  const syntax = { trimBlocks: options.trimBlocks ?? true, lstripBlocks: false };
  const header = /^#jinja2:(.*)\r?\n/.exec(text);
  if (header === null) return { body: text, syntax, skipped: 0 };
  for (const [, name, value] of (header[1] ?? '').matchAll(/(\w+)\s*:\s*['"]?(\w+)/g)) {
    const on = value?.toLowerCase() === 'true';
    if (name === 'trim_blocks') syntax.trimBlocks = on;
    else if (name === 'lstrip_blocks') syntax.lstripBlocks = on;
    else throw new HsmfleetError('TEMPLATE_INVALID', `the template option "${name ?? ''}" is not supported`, { hint: 'trim_blocks and lstrip_blocks are' });
  }
  return { body: text.slice(header[0].length), syntax, skipped: 1 };
}

function evaluateIn(session: Session, expression: string, position: SourcePosition | undefined): Operand {
  const node = parsed(expression, position, () => parseExpression(expression));
  return new Renderer(session.surroundings(expression, position)).evaluate(node);
}

/** How templates inside of YAML are read. */
const IN_YAML: TextSyntax = { trimBlocks: true, lstripBlocks: false, verbatimStrings: true };

function renderDeferred(deferred: Deferred, session: Session): Operand {
  const { origin } = deferred;
  if (origin === undefined) return renderPlain(deferred, session);
  try {
    const value = renderPlain(deferred, session);
    return value instanceof Undefined ? new Undefined(withoutText(value.error, deferred)) : conceal(reveal(value).value, origin);
  } catch (thrown) {
    throw thrown instanceof HsmfleetError ? withoutText(thrown, deferred) : thrown;
  }
}

/** A mistake in a text that must not be shown: names of variables are no secrets, all else may be. */
function withoutText({ code, message, position }: HsmfleetError, { position: start }: Deferred): HsmfleetError {
  return new HsmfleetError(code, code === 'UNDEFINED_VARIABLE' ? message : 'a template of an encrypted file cannot be rendered', {
    position: position ?? start,
    hint: 'its text is not shown, since its file is encrypted',
  });
}

function renderPlain(deferred: Deferred, session: Session): Operand {
  if (deferred.kind === 'expression') return evaluateIn(session, deferred.text, deferred.position);
  const node = parsed(deferred.text, deferred.position, () => parseText(deferred.text, IN_YAML));
  const whole = wholeExpression(node);
  const renderer = new Renderer(session.surroundings(deferred.text, deferred.position));
  return whole === undefined ? renderer.render(node) : renderer.evaluate(whole);
}

/** The expression of a text that is nothing but `{{ expression }}`. */
export function wholeExpression(node: BodyNode): Expression | undefined {
  const [only, ...more] = node.children.filter(
    (child) => !(child.typename === 'Output' && child.children.every((part) => part.typename === 'TemplateData' && part.value === '')),
  );
  if (only?.typename !== 'Output' || more.length > 0) return undefined;
  const [expression] = only.children;
  return expression === undefined || expression.typename === 'TemplateData' ? undefined : expression;
}

function finished(value: Operand): Rendered {
  if (value === OMIT) return null;
  if (Array.isArray(value)) return value.filter((item) => item !== OMIT).map(finished);
  if (isMapping(value)) {
    return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== OMIT).map(([key, item]) => [key, finished(item)]));
  }
  if (typeof value === 'function') throw new HsmfleetError('TEMPLATE_INVALID', 'the value is a function', { hint: 'call it with ()' });
  return defined(value) as Rendered;
}

/** Python's truth of a rendered value, for conditions: empty text, empty list, 0 and none are false. */
export function isTrue(value: Rendered): boolean {
  return holds(value as Operand);
}
