import type { CheckCounts } from '@hsmfleet/contract/schemas';
import { OUTCOMES, OUTCOME_WORDS } from './marks.tsx';

/** Outcomes as shares of one bar; the numbers stand in its label. */
export function OutcomeShares({ counts }: { counts: CheckCounts }) {
  const shown = OUTCOMES.filter((outcome) => counts[outcome] > 0);
  const label = shown.map((outcome) => `${String(counts[outcome])} ${OUTCOME_WORDS[outcome]}`).join(', ');
  return (
    <div class="shares" role="img" aria-label={label === '' ? 'no results' : label} title={label}>
      {shown.map((outcome) => <span key={outcome} class={`ground-${outcome}`} style={{ flexGrow: counts[outcome] }} />)}
    </div>
  );
}

/** One line of a {@link Bars}. */
export interface Bar {
  name: string;
  value: number;
  ground: string;
  href?: string;
}

/** Numbers with bars, the longest as wide as there is room. */
export function Bars({ bars }: { bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ul class="bars">
      {bars.map(({ name, value, ground, href }) => (
        <li key={name}>
          {href === undefined ? <span>{name}</span> : <a href={href}>{name}</a>}
          <span class="track" aria-hidden="true">{value > 0 && <span class={`ground-${ground}`} style={{ width: `${String((100 * value) / most)}%` }} />}</span>
          <strong>{value.toLocaleString('en')}</strong>
        </li>
      ))}
    </ul>
  );
}
