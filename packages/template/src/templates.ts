import { Deferred, HsmfleetError, type SourcePosition } from '@hsmfleet/contract';
import type { BodyNode, Expression } from './ast.ts';
import { parsed, placed } from './place.ts';
import { parseText } from './syntax.ts';
import { nodesOf } from './walk.ts';

/** Finds the templates that a template includes, imports or extends. */
export interface Templates {
  /**
   * The text with the place where it starts; undefined when there is none of that name.
   * @param from the file of the template that asks
   */
  load(name: string, from: SourcePosition | undefined): Deferred | undefined;
}

const TAGS: ReadonlySet<string> = new Set(['Include', 'Import', 'FromImport', 'Extends']);
/** A template that includes itself under a condition is fine; a hundred levels are none. */
const DEPTH = 100;

/**
 * The template with all others bound to it that it includes, imports or extends, and theirs in turn: they are read on the
 * control host, wherever the template is rendered.
 * @throws HsmfleetError FILE_MISSING for one that does not exist, TEMPLATE_INVALID for a name that is computed
 */
export function bindTemplates(template: Deferred, templates: Templates): Deferred {
  const found: Record<string, Deferred> = {};
  collect(template, templates, found, 0);
  if (Object.keys(found).length === 0) return template;
  return new Deferred(template.text, template.kind, template.position, template.origin, { ...template.bound, templates: found });
}

function collect({ text, position }: Deferred, templates: Templates, found: Record<string, Deferred>, depth: number): void {
  if (!/\{%[-+]?\s*(?:include|import|from|extends)\b/.test(text) || depth > DEPTH) return;
  const root: BodyNode = parsed(text, position, () => parseText(text.replace(/^#jinja2:.*(?=\r?\n)/, ''), { trimBlocks: true, lstripBlocks: false }));
  for (const node of nodesOf(root)) {
    if (!TAGS.has(node.typename) || !('template' in node)) continue;
    const names = namesIn(node.template);
    const problem = (code: 'TEMPLATE_INVALID' | 'FILE_MISSING', message: string, hint: string): HsmfleetError =>
      new HsmfleetError(code, message, { ...placed(text, position, node.lineno, node.colno), hint });
    if (names === undefined) throw problem('TEMPLATE_INVALID', 'the name of a template is computed', 'write the names out, with {% if … %} around each {% include "…" %}');
    const before = names.filter((name) => Object.hasOwn(found, name));
    const fresh = names.filter((name) => !Object.hasOwn(found, name));
    const loaded = fresh.flatMap((name) => {
      const each = templates.load(name, position);
      return each === undefined ? [] : [[name, each] as const];
    });
    const choice = node.template.typename === 'Array';
    if (!('ignoreMissing' in node && node.ignoreMissing) && (choice ? loaded.length + before.length === 0 : loaded.length < fresh.length)) {
      throw problem('FILE_MISSING', `there is no template "${names.join('" or "')}"`, 'names are relative to the template, and to the folders of templates');
    }
    for (const [name, each] of loaded) {
      found[name] = each;
      collect(each, templates, found, depth + 1);
    }
  }
}

/** The names that an expression can stand for, when it is made of texts alone. */
function namesIn(node: Expression): string[] | undefined {
  switch (node.typename) {
    case 'Literal': return typeof node.value === 'string' ? [node.value] : undefined;
    case 'Group':
    case 'Array': {
      const names = node.children.map(namesIn);
      return names.every((each) => each !== undefined) ? names.flat() : undefined;
    }
    case 'InlineIf': {
      const [body, otherwise] = [namesIn(node.body), node.else_ === null ? [] : namesIn(node.else_)];
      return body === undefined || otherwise === undefined ? undefined : [...body, ...otherwise];
    }
    default: return undefined;
  }
}
