import { Secret, type Rendered } from '@hsmfleet/contract';

/** Characters of one text, and of a whole result, that an event carries. What is registered on the host stays whole. */
const MAX_TEXT = 64 * 1024;
const MAX_RESULT = 4 * 1024 * 1024;

/** A result small enough for one event: long texts are cut, a huge result is replaced by its plain fields. */
export function clipResult(result: Record<string, Rendered>): Record<string, Rendered> {
  const clipped = clip(result) as Record<string, Rendered>;
  if (JSON.stringify(clipped).length <= MAX_RESULT) return clipped;
  const plain = Object.entries(clipped).filter(([, value]) => value === null || typeof value !== 'object');
  return { ...Object.fromEntries(plain), clipped: true };
}

function clip(value: Rendered): Rendered {
  if (typeof value === 'string' && value.length > MAX_TEXT) {
    return `${value.slice(0, MAX_TEXT)}… (${String(value.length)} characters)`;
  }
  if (Array.isArray(value)) return value.map(clip);
  if (value === null || typeof value !== 'object' || value instanceof Secret) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clip(item)]));
}
