import type { Counts } from '@hsmfleet/contract';
import { printable, type Colors } from '@hsmfleet/terminal-text';

const WORDS = ['ok', 'changed', 'unreachable', 'failed', 'skipped', 'refused', 'ignored'] as const;

/**
 * The recap in Ansible's shape, so that what reads `changed=0` there reads it here. `refused` stands where Ansible has
 * `rescued`: tasks stopped for safety are a class of their own. `rescued` comes last, where there is something to tell.
 */
export function recapLines(counts: Readonly<Record<string, Counts>>, colors: Colors): string[] {
  return Object.entries(counts).map(([host, of]) => {
    const paint = hostColor(of, colors);
    const words = WORDS.map((word) => {
      const cell = `${word}=${String(of[word]).padEnd(4)}`;
      return of[word] === 0 ? cell : wordColor(word, colors)(cell);
    });
    if (of.rescued !== undefined && of.rescued > 0) words.push(colors.yellow(`rescued=${String(of.rescued)}`));
    return `${paint(printable(host).padEnd(26))} : ${words.join(' ')}`.trimEnd();
  });
}

function hostColor(counts: Counts, colors: Colors): (text: string) => string {
  if (counts.failed + counts.refused + counts.unreachable > 0) return colors.red;
  return counts.changed > 0 ? colors.yellow : colors.green;
}

function wordColor(word: (typeof WORDS)[number], colors: Colors): (text: string) => string {
  if (word === 'ok') return colors.green;
  if (word === 'changed') return colors.yellow;
  if (word === 'skipped') return colors.cyan;
  return word === 'ignored' ? colors.blue : colors.red;
}
