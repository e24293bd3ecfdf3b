import { shorten } from './format.ts';
import type { Cell } from './series.ts';

/** "hung", "2 of 3 unhealthy"; empty when all repeats were measured. */
export function outcomeWord({ hung, unhealthy, repeats }: Cell<string>): string {
  const of = (number: number, word: string): string => (number === repeats ? word : `${String(number)} of ${String(repeats)} ${word}`);
  return [...(hung > 0 ? [of(hung, 'hung')] : []), ...(unhealthy > 0 ? [of(unhealthy, 'unhealthy')] : [])].join(', ');
}

/** What a person should know of a row: repeats, how they ended, why. Empty when there is nothing to say. */
export function noteOf(cell: Cell<string>): string {
  const measured = cell.repeats - cell.hung - cell.unhealthy;
  const worse = !cell.clean && cell.hung + cell.unhealthy === 0 && cell.repeats > 1 ? 'not all of them without failure' : '';
  const parts = [
    measured > 1 ? `median of ${String(measured)}` : '', worse, outcomeWord(cell),
    ...cell.problems.slice(0, 3).map((problem) => shorten(problem, 160)), cell.problems.length > 3 ? `and ${String(cell.problems.length - 3)} more problems` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}
