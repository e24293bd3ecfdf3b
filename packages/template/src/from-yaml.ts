import { loadYaml } from './load-yaml.cjs';
import { OperationFailure, type Operand } from './operand.ts';

const OPTIONS = { version: '1.1', logLevel: 'silent', merge: true } as const;

/** @throws OperationFailure; the parser's message is not handed on, since it quotes the text, which may be secret */
export function fromYaml(text: string): Operand {
  const [only, ...more] = fromYamlAll(text);
  if (more.length > 0) throw new OperationFailure('from_yaml: the text holds several documents', 'use from_yaml_all');
  return only ?? null;
}

export function fromYamlAll(text: string): Operand[] {
  const documents = loadYaml().parseAllDocuments(text, OPTIONS);
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    if (document.errors.length > 0) throw new OperationFailure('from_yaml: the text is not YAML');
    return plain(document.toJS() as unknown);
  });
}

/** Dates are printed as Python prints them; whatever else YAML makes of a text is text. */
function plain(value: unknown): Operand {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (value instanceof Map || value instanceof Set) return Object.fromEntries([...value.entries()].map(([key, item]) => [String(key), plain(item)]));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  if (typeof value === 'bigint') return Number(value);
  return value === undefined ? null : (value as Operand);
}
