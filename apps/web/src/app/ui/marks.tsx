import type { CheckOutcome, Severity, TaskOutcome } from '@hsmfleet/contract/schemas';
import type { HostState, RunStatus } from '@hsmfleet/web-api/schemas';

/** Outcomes in the order in which they are worth a look. */
export const OUTCOMES: readonly CheckOutcome[] = ['fail', 'error', 'unreachable', 'waived', 'pass', 'not_applicable'];

/** The words that people read for an outcome. */
export const OUTCOME_WORDS: Record<CheckOutcome, string> = {
  pass: 'pass', fail: 'fail', waived: 'waived', error: 'error', unreachable: 'unreachable', not_applicable: 'not applicable',
};

type Shape = 'tick' | 'cross' | 'triangle' | 'bar' | 'ring' | 'dot' | 'arrow';

/** Marks are shapes, so that outcomes are told apart without colours too. */
const PATHS: Record<Shape, string> = {
  tick: 'M4.2 10.2 0.6 6.6l1.6-1.6 2 2L9.8 1.4 11.4 3z',
  cross: 'M6 4.4 9.6.8l1.6 1.6L7.6 6l3.6 3.6-1.6 1.6L6 7.6l-3.6 3.6L.8 9.6 4.4 6 .8 2.4 2.4.8z',
  triangle: 'M6 .8 11.8 11H.2z',
  bar: 'M.8 4.6h10.4v2.8H.8z',
  ring: 'M6 .6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 6 .6zm0 2.2a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4z',
  dot: 'M6 2.4a3.6 3.6 0 1 0 0 7.2 3.6 3.6 0 0 0 0-7.2z',
  arrow: 'M2 1l8.4 5L2 11z',
};

/** A word on a coloured ground with a mark. */
function Badge({ tone, shape, words }: { tone: string; shape: Shape; words: string }) {
  return (
    <span class={`badge ${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={PATHS[shape]} />
      </svg>
      {words}
    </span>
  );
}

const OUTCOME_SHAPES: Record<CheckOutcome, Shape> = {
  pass: 'tick', fail: 'cross', waived: 'bar', error: 'triangle', unreachable: 'ring', not_applicable: 'dot',
};

/** What a control said of a host; `null`: no check has looked at it. */
export function OutcomeBadge({ outcome }: { outcome: CheckOutcome | null }) {
  if (outcome === null) return <Badge tone="not_applicable" shape="dot" words="unchecked" />;
  return <Badge tone={outcome} shape={OUTCOME_SHAPES[outcome]} words={OUTCOME_WORDS[outcome]} />;
}

/** How bad it is when a control is not met. */
export function SeverityBadge({ severity }: { severity: Severity }) {
  const tone = { critical: 'fail', high: 'fail', medium: 'error', low: 'not_applicable' }[severity];
  return <span class={`badge ${tone}`}>{severity}</span>;
}

/** How much a host's inventory can be relied on. */
export function StateBadge({ state }: { state: HostState }) {
  const [tone, shape] = ({ fresh: ['pass', 'tick'], stale: ['waived', 'bar'], error: ['error', 'triangle'], never: ['unreachable', 'ring'] } as const)[state];
  return <Badge tone={tone} shape={shape} words={state} />;
}

/** How a run stands on a host. */
export function RunBadge({ status }: { status: RunStatus }) {
  const [tone, shape] = ({
    running: ['busy', 'arrow'], ok: ['pass', 'tick'], failed: ['fail', 'cross'], refused: ['error', 'triangle'], stopped: ['waived', 'bar'],
    unreachable: ['unreachable', 'ring'],
  } as const)[status];
  return <Badge tone={tone} shape={shape} words={status} />;
}

/** How a task ended. */
export function TaskBadge({ outcome, ignored = false }: { outcome: TaskOutcome; ignored?: boolean }) {
  const [tone, shape] = ({
    ok: ['pass', 'tick'], changed: ['busy', 'arrow'], skipped: ['not_applicable', 'dot'], failed: ['fail', 'cross'], refused: ['error', 'triangle'],
  } as const)[outcome];
  return <Badge tone={ignored ? 'waived' : tone} shape={shape} words={ignored ? `${outcome}, ignored` : outcome} />;
}

/** The verdict on a PKCS#11 library. */
export function ReadOnlyBadge({ verdict }: { verdict: 'read_only' | 'writable' | 'unproven' | null }) {
  if (verdict === null) return <span class="soft">unknown</span>;
  const [tone, shape, words] = ({
    read_only: ['pass', 'tick', 'read-only'], writable: ['fail', 'cross', 'writable'], unproven: ['error', 'triangle', 'unproven'],
  } as const)[verdict];
  return <Badge tone={tone} shape={shape} words={words} />;
}

/** What the token's flags say of its PIN. */
export function PinBadge({ state }: { state: string | null }) {
  if (state === null || state === 'unknown') return <span class="soft">unknown</span>;
  if (state === 'ok') return <Badge tone="pass" shape="tick" words="ok" />;
  return <Badge tone={state === 'locked' || state === 'final_try' ? 'fail' : 'error'} shape={state === 'locked' ? 'cross' : 'triangle'} words={state.replaceAll('_', ' ')} />;
}

/** Yes, no, or not known, with what is good about it. */
export function FlagBadge({ flag, good = true, yes = 'yes', no = 'no' }: { flag: boolean | null; good?: boolean; yes?: string; no?: string }) {
  if (flag === null) return <span class="soft">unknown</span>;
  return <Badge tone={flag === good ? 'pass' : 'fail'} shape={flag === good ? 'tick' : 'cross'} words={flag ? yes : no} />;
}
