/** How a task ended on a host, as both programs can tell it. */
export interface TaskLine {
  name: string;
  handler?: true;
  outcome: string;
  ignored?: true;
  /** What `debug` printed. */
  message?: unknown;
  items?: { outcome: string; message?: unknown }[];
}

/** How a playbook ended. */
export interface CaseOutcome {
  exit: number;
  /** By host, in the order in which they ended there. */
  tasks: Record<string, TaskLine[]>;
  recap: Record<string, Record<string, number>>;
}

export const RECAP_KEYS = ['ok', 'changed', 'unreachable', 'failed', 'skipped', 'rescued', 'ignored'] as const;

/** Numbers and truth values as text, in any depth: whether an expression keeps its type is a difference of its own. */
export function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asText(item)]));
  if (value === true || value === false) return value ? 'True' : 'False';
  if (value === 'true' || value === 'false') return value === 'true' ? 'True' : 'False';
  // one program prints a list, the other hands it out
  if (typeof value === 'string' && /^[[{]/.test(value)) return parsePrinted(value);
  return value === null ? '' : String(value);
}

/** Python's way to print lists and mappings, read back as far as it goes. */
function parsePrinted(text: string): unknown {
  try {
    return asText(JSON.parse(text.replaceAll("'", '"').replace(/\bTrue\b/g, 'true').replace(/\bFalse\b/g, 'false').replace(/\bNone\b/g, 'null')));
  } catch {
    return text;
  }
}

/** `role : task` is `task`: one program names the role, the other may not. */
export function bareName(name: string): string {
  return name.replace(/^[\w.-]+ : /, '');
}
