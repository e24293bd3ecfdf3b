import { Deferred, HsmfleetError, Secret, type Value } from '@hsmfleet/contract';
import { hasMarkup, referencedVariables } from '@hsmfleet/template';
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import type { YamlSource } from './yaml-source.ts';

/** Nodes converted per value: aliases can multiply a small file without end. */
const NODE_LIMIT = 500_000;

/** One key of a mapping with the nodes it came from. */
export interface MapEntry {
  key: string;
  keyNode: Node;
  value: Node | null;
}

/** A node with its alias resolved. */
export function dereference(node: unknown, source: YamlSource): Node | null {
  if (!isAlias(node)) return (node ?? null) as Node | null;
  const target = source.resolve(node);
  if (target === undefined) {
    const name = source.encrypted ? '' : ` "${node.source}"`;
    throw source.problem('PLAYBOOK_SYNTAX', `the anchor${name} is not defined before its use`, node, source.encrypted ? 'a text that begins with * has to be quoted' : undefined);
  }
  return target;
}

/** The entries of a mapping; merge keys (`<<`) are worked in, the mapping's own keys win. */
export function mapEntries(map: YAMLMap, source: YamlSource): MapEntry[] {
  const own: MapEntry[] = [];
  const merged: MapEntry[] = [];
  for (const pair of map.items) {
    const keyNode = pair.key as Node;
    const value = pair.value as Node | null;
    if (isScalar(keyNode) && keyNode.source === '<<') {
      const from = dereference(value, source);
      const maps = isSeq(from) ? from.items.map((item) => dereference(item, source)) : [from];
      for (const each of maps) {
        if (!isMap(each)) throw source.problem('PLAYBOOK_SYNTAX', 'a merge key takes a mapping or a list of mappings', keyNode);
        for (const entry of mapEntries(each, source)) if (!merged.some(({ key }) => key === entry.key)) merged.push(entry);
      }
    } else {
      own.push({ key: keyText(keyNode, source), keyNode, value });
    }
  }
  return [...merged.filter(({ key }) => !own.some((entry) => entry.key === key)), ...own];
}

function keyText(node: Node, source: YamlSource): string {
  const key = dereference(node, source);
  if (!isScalar(key)) throw source.problem('PLAYBOOK_SYNTAX', 'a key must be a plain word', node, 'quote a value that starts with {{');
  const text = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  if (text === '__proto__') throw source.problem('PLAYBOOK_SYNTAX', 'the key "__proto__" is not allowed', node);
  return text;
}

/**
 * A value of the playbook language. Text with markup becomes Deferred, unless tagged `!unsafe`; `!secret` and `!vault`
 * become the Secret that was resolved for them, and so does every text and number of a file that is encrypted as a whole.
 * @throws HsmfleetError PLAYBOOK_SYNTAX for what YAML can say and a playbook cannot, TEMPLATE_INVALID for a template in an
 *   encrypted file, VAULT_PASSWORD, VAULT_INVALID
 */
export function toValue(node: unknown, source: YamlSource): Value {
  let left = NODE_LIMIT;
  const active = new Set<Node>();
  const convert = (given: unknown): Value => {
    left -= 1;
    if (left < 0) throw source.problem('PLAYBOOK_SYNTAX', 'the aliases multiply to too many values', given);
    const current = dereference(given, source);
    if (current === null) return null;
    if (isScalar(current)) return scalarValue(current, source);
    if (active.has(current)) throw source.problem('PLAYBOOK_SYNTAX', 'the value contains itself', given);
    active.add(current);
    let value: Value;
    if (isSeq(current)) value = current.items.map(convert);
    else if (isMap(current)) value = Object.fromEntries(mapEntries(current, source).map((entry) => [entry.key, convert(entry.value)]));
    else value = null;
    active.delete(current);
    return value;
  };
  return convert(node);
}

function scalarValue(node: Node & { value: unknown }, source: YamlSource): Value {
  const secret = source.secrets.get(node);
  if (secret !== undefined) return secret;
  const unopened = source.unopened.get(node);
  if (unopened !== undefined) throw unopened;
  if (source.encrypted) return encryptedValue(node, source);
  const { value } = node;
  if (typeof value === 'string') {
    return node.tag !== '!unsafe' && hasMarkup(value) ? new Deferred(value, 'text', source.textPositionOf(node)) : value;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** A scalar of a file that is encrypted as a whole. Truth values and nulls stay: they tell nothing. */
function encryptedValue(node: Node & { value: unknown; source?: string }, source: YamlSource): Value {
  const { value } = node;
  const origin = source.originOf(node);
  if (typeof value === 'number') {
    // a PIN that is silently another one costs tries
    if (node.source !== undefined && node.source !== String(value)) {
      throw source.problem('PLAYBOOK_SYNTAX', 'YAML reads this number otherwise than it is written', node, 'quote it: a leading zero makes a number octal');
    }
    return new Secret(String(value), origin);
  }
  if (typeof value !== 'string') return typeof value === 'boolean' ? value : null;
  if (node.tag === '!unsafe' || !hasMarkup(value)) return new Secret(value, origin);
  const position = source.textPositionOf(node);
  try {
    referencedVariables(value, 'text', position);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    throw source.problem('TEMPLATE_INVALID', 'the text is no valid template', node, 'tag it !unsafe if its braces mean nothing; it is not shown, since its file is encrypted');
  }
  return new Deferred(value, 'text', position, origin);
}
