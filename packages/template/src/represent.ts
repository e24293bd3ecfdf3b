import { isMapping, OMIT, OperationFailure, Undefined, type Operand } from './operand.ts';

/** Text of a value as an output prints it: None is empty, truth is True or False, lists and mappings as Python shows them. */
export function toText(value: Operand): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return represent(value);
}

/** Python's repr. */
export function represent(value: Operand): string {
  if (value === null) return 'None';
  if (value === OMIT) throw new OperationFailure('omit can only be the whole value of a parameter');
  if (value instanceof Undefined) throw value.error;
  if (Array.isArray(value)) return `[${value.map(represent).join(', ')}]`;
  if (isMapping(value)) return `{${Object.entries(value).map(([key, item]) => `${quoteText(key)}: ${represent(item)}`).join(', ')}}`;
  switch (typeof value) {
    case 'boolean': return value ? 'True' : 'False';
    case 'string': return quoteText(value);
    case 'number': return String(value);
    default: throw new OperationFailure('a function cannot be printed', 'call it with ()');
  }
}

function quoteText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]/g, (char) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[char] ?? char);
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}
