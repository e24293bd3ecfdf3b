import { OperationFailure, type Operand } from './operand.ts';

/** Python's `items[start:stop:step]`; null bounds are the defaults. @throws OperationFailure */
export function sliceOf<T>(items: readonly T[], bounds: readonly Operand[]): T[] {
  const [start, stop, step] = [0, 1, 2].map((index) => bounds[index] ?? null);
  for (const bound of [start, stop, step]) {
    if (bound !== null && typeof bound !== 'number') throw new OperationFailure('the bounds of a slice must be integers');
  }
  const by = (step as number | null) ?? 1;
  if (by === 0) throw new OperationFailure('the step of a slice cannot be zero');
  const length = items.length;
  const clamp = (bound: number): number => {
    const index = bound < 0 ? bound + length : bound;
    return by > 0 ? Math.min(Math.max(index, 0), length) : Math.min(Math.max(index, -1), length - 1);
  };
  const from = start === null ? (by > 0 ? 0 : length - 1) : clamp(start as number);
  const to = stop === null ? (by > 0 ? length : -1) : clamp(stop as number);
  const out: T[] = [];
  for (let index = from; by > 0 ? index < to : index > to; index += by) out.push(items[index] as T);
  return out;
}
