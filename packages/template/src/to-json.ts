import { isMapping, OMIT, OperationFailure, type Operand } from './operand.ts';

interface JsonStyle {
  /** Blanks per level; absent: one line. */
  indent?: number;
  sortKeys: boolean;
  /** Escape everything beyond ASCII. */
  ascii: boolean;
}

/** JSON as Python's json.dumps writes it (`", "` and `": "` on one line), so that files match those Ansible made. */
export function toJson(value: Operand, style: JsonStyle, depth = 0): string {
  if (value === OMIT || typeof value === 'function') throw new OperationFailure('the value cannot be written as JSON');
  if (!Array.isArray(value) && !isMapping(value)) return scalar(value as string | number | boolean | null, style.ascii);
  const parts = Array.isArray(value)
    ? value.map((item) => toJson(item, style, depth + 1))
    : Object.keys(value)
        .sort(style.sortKeys ? undefined : () => 0)
        .map((key) => `${scalar(key, style.ascii)}: ${toJson(value[key] as Operand, style, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (parts.length === 0) return `${open ?? ''}${close ?? ''}`;
  if (style.indent === undefined) return `${open ?? ''}${parts.join(', ')}${close ?? ''}`;
  const pad = ' '.repeat(style.indent * (depth + 1));
  return `${open ?? ''}\n${parts.map((part) => pad + part).join(',\n')}\n${' '.repeat(style.indent * depth)}${close ?? ''}`;
}

function scalar(value: string | number | boolean | null, ascii: boolean): string {
  const text = JSON.stringify(value);
  return ascii ? text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : text;
}
