import type { Diff } from '@hsmfleet/contract/schemas';
import { splitDiff } from './split-diff.ts';

/** What changed in one file or setting. */
export function DiffView({ diff }: { diff: Diff }) {
  return (
    <div class="diff" role="group" aria-label={`Changes of ${diff.path}`} tabIndex={0}>
      <div class="diff-name mono">{diff.path}{diff.note !== undefined && <span class="soft"> {diff.note}</span>}</div>
      {diff.unified !== undefined && (
        <pre>
          {splitDiff(diff.unified).filter(({ kind }) => kind !== 'file').map(({ kind, text }, index) => <code key={index} class={kind}>{text === '' ? ' ' : text}</code>)}
        </pre>
      )}
    </div>
  );
}
