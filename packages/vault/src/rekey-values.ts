import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { SEALED_TAGS, YamlSource } from '@hsmfleet/yaml-source';
import { visit, type Scalar } from 'yaml';
import type { Opened, Opener, Sealer } from './sealing.ts';

/** A place in a text and what comes there. */
interface Splice { from: number; to: number; text: string }

/**
 * Encrypts the values of a YAML file anew. Not a letter changes beside them.
 * @param keeps values that stay as they are
 * @throws HsmfleetError with the place of the value: VAULT_INVALID, VAULT_PASSWORD, AGE_IDENTITY, AGE_INVALID, PLAYBOOK_SYNTAX
 */
export async function rekeyValues(path: string, bytes: Buffer, opener: Opener, sealer: Sealer, keeps: (opened: Opened) => boolean): Promise<{ after: string | undefined; values: number }> {
  const text = decode(path, bytes);
  const source = new YamlSource(path, text);
  const nodes: Scalar[] = [];
  visit(source.root, { Scalar(_key, node) { if (SEALED_TAGS.has(node.tag)) nodes.push(node); } });
  // a file that is no YAML has nothing that could be found in it with certainty
  if (nodes.length > 0 && source.problems[0] !== undefined) throw source.problems[0];
  if (nodes.length === 0) {
    throw new HsmfleetError('VAULT_INVALID', `${path} is not encrypted, and has no encrypted value`, { hint: 'hsmfleet vault encrypt encrypts a file, hsmfleet vault encrypt-string a value' });
  }
  const mark = text.startsWith('\uFEFF') ? 1 : 0;
  const splices: Splice[] = [];
  for (const node of nodes) {
    const opened = await open(node, source, opener);
    if (keeps(opened)) continue;
    splices.push(...valueSplices(node, source, text.slice(mark), await sealer.seal(opened.plaintext)));
  }
  if (splices.length === 0) return { after: undefined, values: 0 };
  let after = text.slice(mark);
  for (const { from, to, text: replacement } of splices.sort((a, b) => b.from - a.from)) after = after.slice(0, from) + replacement + after.slice(to);
  return { after: text.slice(0, mark) + after, values: splices.length / 2 };
}

async function open(node: Scalar, source: YamlSource, opener: Opener): Promise<Opened> {
  try {
    return await opener.open(String(node.value));
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    throw source.problem(thrown.code, thrown.message, node, thrown.hint);
  }
}

/** The tag, which says what a value is encrypted with, and the value after it. */
function valueSplices(node: Scalar, source: YamlSource, text: string, sealed: string): Splice[] {
  const [from, to] = node.range ?? [0, 0];
  const tag = /(![\w-]+)(?:[ \t]+&\S+)?[ \t]*(?:\r?\n[ \t]*(?:&\S+[ \t]+)?)?$/.exec(text.slice(0, from));
  if (node.tag === undefined || tag?.[1] !== node.tag) throw source.problem('VAULT_INVALID', 'the tag of the value is written in a way that cannot be changed', node, 'write it as hsmfleet vault encrypt-string does');
  const name = sealedKind(sealed) === 'age' ? '!age' : node.tag === '!age' ? '!vault' : (node.tag ?? '!vault');
  return [{ from: tag.index, to: tag.index + node.tag.length, text: name }, { from, to, text: written(node, text.slice(from, to), sealed) }];
}

/** A block stays one, indented as before and with its line ends; anything else becomes a quoted text. */
function written(node: Scalar, before: string, sealed: string): string {
  if (node.type !== 'BLOCK_LITERAL') return JSON.stringify(String(node.value).endsWith('\n') ? sealed : sealed.trimEnd());
  const [, header = '|', end = '\n', indent = '  '] = /^([^\n\r]*)(\r?\n)(?:[ \t]*\r?\n)*([ \t]+)/.exec(before) ?? [];
  const lines = sealed.trimEnd().split('\n').map((line) => indent + line);
  return [header, ...lines].join(end) + (/\r?\n$/.exec(before)?.[0] ?? '');
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HsmfleetError('VAULT_INVALID', `${path} is no UTF-8 text: no encrypted value can be found in it`);
  }
}
