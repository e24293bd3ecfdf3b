import type { Bound, Deferred , Secret} from '@hsmfleet/contract';
import { HsmfleetError, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { BodyNode, Expression } from './ast.ts';
import { defined, isMapping, OMIT, Undefined, type Operand } from './operand.ts';
import { parsed } from './place.ts';
import { Renderer } from './renderer.ts';
import type { Scope } from './scope.ts';
import { Session } from './session.ts';
import { parseExpression, parseText, type TextSyntax } from './syntax.ts';
import { conceal, holds, reveal } from './taint.ts';

export interface RenderOptions {
  /** Drop the line break after a block tag, as Ansible does everywhere; true by default. */
  trimBlocks?: boolean;
}

/**
 * Renders text with markup; always text, None is empty.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID with the position within the file of `position`
 */
export function renderText(text: string, scope: Scope, position?: SourcePosition, options: RenderOptions = {}): string | Secret {
  return renderIn(new Session(scope, renderDeferred), text, position, options, undefined);
}

/**
 * Renders a whole template file: {@link renderText}, with the templates and the results of lookups that are bound to it.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, FILE_MISSING
 */
export function renderTemplate({ text, position, origin, bound }: Deferred, scope: Scope, options: RenderOptions = {}): string | Secret {
  const rendered = renderIn(new Session(scope, renderDeferred), text, position, options, bound);
  return origin === undefined ? rendered : (conceal(reveal(rendered).value, origin) as Secret);
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

function renderIn(session: Session, text: string, position: SourcePosition | undefined, options: RenderOptions, bound: Bound | undefined): string | Secret {
  const { body, syntax, skipped } = headed(text, options);
  const start = position === undefined || skipped === 0 ? position : { ...position, line: position.line + skipped };
  const node = parsed(body, start, () => parseText(body, syntax));
  return new Renderer(session.surroundings(body, start, bound)).template(node);
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

function evaluateIn(session: Session, expression: string, position: SourcePosition | undefined, bound?: Bound): Operand {
  const node = parsed(expression, position, () => parseExpression(expression));
  return new Renderer(session.surroundings(expression, position, bound)).evaluate(node);
}

/** Evaluates one expression of a text that is parsed already. @throws HsmfleetError */
export function evaluateNode(node: Expression, text: string, position: SourcePosition | undefined, scope: Scope): Rendered {
  return finished(new Renderer(new Session(scope, renderDeferred).surroundings(text, position)).evaluate(node));
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
  if (deferred.kind === 'expression') return evaluateIn(session, deferred.text, deferred.position, deferred.bound);
  const node = parsed(deferred.text, deferred.position, () => parseText(deferred.text, IN_YAML));
  const whole = wholeExpression(node);
  const renderer = new Renderer(session.surroundings(deferred.text, deferred.position, deferred.bound));
  return whole === undefined ? renderer.template(node) : renderer.evaluate(whole);
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
