import { HsmfleetError } from '@hsmfleet/contract';

/** Where a page begins. @throws HsmfleetError USAGE for what was not the `next` of a page */
export function offsetOf(after: string | undefined): number {
  if (after === undefined) return 0;
  if (!/^\d{1,9}$/.test(after)) throw new HsmfleetError('USAGE', '`after` is not what a page before gave as `next`');
  return Number(after);
}

/** A page of a list. */
export function pageOf<T>(items: T[], total: number, offset: number): { items: T[]; total: number; next: string | null } {
  return { items, total, next: items.length > 0 && offset + items.length < total ? String(offset + items.length) : null };
}
