import { Deferred, HsmfleetError, type Value } from '@hsmfleet/contract';
import type { CallNode, Expression, KeywordArgsNode } from './ast.ts';
import { LOOKUP_FUNCTIONS, PURE_LOOKUPS } from './call-lookup.ts';
import type { Lookups } from './lookups.ts';
import { parsed, placed } from './place.ts';
import { bodyOf, referencesIn } from './references.ts';
import { evaluateNode } from './render.ts';
import type { Scope } from './scope.ts';
import { placeKey } from './session.ts';
import { parseExpression } from './syntax.ts';
import { nodesOf } from './walk.ts';

/** What {@link resolveLookups} must know of names besides their values. */
export interface ResolveOptions {
  /** Names whose value only the host has: a lookup that uses one is a mistake. */
  isLater?(name: string): boolean;
}

/**
 * A text that waits for a host, with the results of its lookups bound to it, and those of the templates that are bound
 * to it. A text without any is handed back as it is.
 * @throws HsmfleetError TEMPLATE_INVALID when a lookup needs what only the host knows; what the lookups throw
 */
export function resolveLookups(deferred: Deferred, scope: Scope, lookups: Lookups | undefined = scope.lookups, options: ResolveOptions = {}): Deferred {
  const templates = Object.entries(deferred.bound?.templates ?? {}).map(([name, template]) => [name, resolveLookups(template, scope, lookups, options)] as const);
  const found = lookups === undefined ? {} : resultsOf(deferred, { lookup: (name) => scope.lookup(name), lookups }, options);
  if (templates.length === 0 && Object.keys(found).length === 0) return deferred;
  return new Deferred(deferred.text, deferred.kind, deferred.position, deferred.origin, {
    ...(templates.length === 0 ? {} : { templates: Object.fromEntries(templates) }),
    ...(Object.keys(found).length === 0 ? {} : { lookups: found }),
  });
}

function resultsOf(deferred: Deferred, scope: Scope, { isLater }: ResolveOptions): Record<string, Value> {
  const { kind } = deferred;
  // places are counted from where rendering begins: below Ansible's line of options
  const [options = ''] = /^#jinja2:.*\r?\n/.exec(deferred.text) ?? [];
  const text = deferred.text.slice(options.length);
  const position = deferred.position === undefined || options === '' ? deferred.position : { ...deferred.position, line: deferred.position.line + 1 };
  if (!/\b(?:lookup|query|q)\s*\(/.test(text)) return {};
  const root = kind === 'expression' ? parsed(text, position, () => parseExpression(text)) : bodyOf(text, position);
  const found: Record<string, Value> = {};
  for (const node of nodesOf(root)) {
    if (node.typename !== 'FunCall' || !readsControlHost(node)) continue;
    const waits = [...referencesIn(node)].find((name) => isLater?.(name) === true);
    const name = nameOf(node);
    if (waits !== undefined) {
      throw new HsmfleetError('TEMPLATE_INVALID', `the lookup "${name}" runs on the control host, and "${waits}" is only known on the host`, {
        ...placed(text, position, node.lineno, node.colno),
        hint: 'choose among lookups with conditions, or read the file on the host: slurp, or command with register',
      });
    }
    try {
      found[placeKey(node)] = evaluateNode(node, text, position, scope);
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError) || thrown.code !== 'UNDEFINED_VARIABLE') throw thrown;
      throw new HsmfleetError(thrown.code, thrown.message, {
        position: thrown.position, excerpt: thrown.excerpt,
        hint: 'lookups run before the text is rendered: they know variables, but no names that the text itself sets',
      });
    }
  }
  return found;
}

function nameOf({ args }: CallNode): string {
  const [first] = args.children as (Expression | KeywordArgsNode | undefined)[];
  return first?.typename === 'Literal' ? String(first.value).replace(/^ansible\.(?:builtin|legacy)\./, '') : '…';
}

/** False for lookups that compute on their arguments alone, which the host does itself. */
function readsControlHost(node: CallNode): boolean {
  if (node.name.typename !== 'Symbol' || !LOOKUP_FUNCTIONS.has(node.name.value)) return false;
  const name = nameOf(node);
  return name !== 'vars' && PURE_LOOKUPS[name] === undefined;
}
