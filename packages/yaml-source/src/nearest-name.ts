import { distance } from 'fastest-levenshtein';

/** The known name that was probably meant; undefined when none is near. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const [a, b] = [name.toLowerCase(), candidate.toLowerCase()];
    const away = distance(a, b);
    // two swapped letters are two edits: in a short word only those count as near
    const near = away <= Math.max(1, Math.floor(name.length / 3)) || (away === 2 && (name.length > 4 || letters(a) === letters(b)));
    if (near && away < least) [best, least] = [candidate, away];
  }
  return best;
}

function letters(word: string): string {
  return [...word].sort().join('');
}

/** "did you mean …?", for a hint. */
export function suggestion(name: string, known: Iterable<string>): string | undefined {
  const nearest = nearestName(name, known);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}
