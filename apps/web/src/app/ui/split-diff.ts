/** A line of a unified diff and what it is. */
export interface DiffLine {
  kind: 'added' | 'removed' | 'same' | 'place' | 'file';
  text: string;
}

/** A unified diff, line by line, so that a page can colour it; file names before the first hunk are no changes. */
export function splitDiff(unified: string): DiffLine[] {
  let inHunk = false;
  return unified.replace(/\n$/, '').split('\n').map((text) => {
    if (text.startsWith('@@')) {
      inHunk = true;
      return { kind: 'place', text };
    }
    if (!inHunk && /^(---|\+\+\+|diff |index |Index: |=====)/.test(text)) return { kind: 'file', text };
    if (text.startsWith('+')) return { kind: 'added', text };
    if (text.startsWith('-')) return { kind: 'removed', text };
    return { kind: 'same', text };
  });
}
