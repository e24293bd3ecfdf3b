import type { QueryCell } from '@hsmfleet/store';

/** A row of a view. */
export type ViewRow = Record<string, QueryCell>;

/** A cell that is a text, or null. */
export function text(cell: QueryCell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell);
}

/** A cell that is 0 or 1, or null. */
export function flag(cell: QueryCell | undefined): boolean | null {
  return cell === null || cell === undefined ? null : Number(cell) === 1;
}

/** A cell that is a number, or null. */
export function number(cell: QueryCell | undefined): number | null {
  return cell === null || cell === undefined ? null : Number(cell);
}

/** A count; 0 where nothing was counted. */
export function count(cell: QueryCell | undefined): number {
  return Number(cell ?? 0);
}

/** Lines of a cell that holds several. */
export function lines(cell: QueryCell | undefined): string[] {
  return String(cell ?? '').split('\n').filter((line) => line !== '');
}
