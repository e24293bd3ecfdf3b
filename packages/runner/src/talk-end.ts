import { HsmfleetError, type ErrorShape } from '@hsmfleet/contract';
import { EXIT_MISSING, EXIT_NODE_TOO_OLD, parseMissing, type MissingParts } from './agent-command.ts';
import type { LinkEnd } from './agent-link.ts';
import type { PlayStatus } from './play-report.ts';

/** What came of putting back what a batch changed. `none`: this host changed nothing. */
export type UndoOutcome = 'none' | 'put_back' | 'failed';

/** How a talk with an agent about one play ended. */
export type TalkEnd = { kind: 'done'; status: PlayStatus } | { kind: 'error'; error: ErrorShape } | { kind: 'lost' } | { kind: 'held' } | { kind: 'earlier' } | { kind: 'undone'; outcome: UndoOutcome } | { kind: 'missing'; missing: MissingParts };

/** What is known of an agent whose process ended. */
interface Ended {
  host: string;
  /** It said hello before. */
  greeted: boolean;
  journal: string;
  redact: (text: string) => string;
}

/** What the end of the agent's process means while a play is under way. */
export function explainEnd(end: LinkEnd, { host, greeted, journal, redact }: Ended): TalkEnd {
  if (!greeted && (end.code === EXIT_MISSING || end.code === EXIT_NODE_TOO_OLD)) {
    const missing = parseMissing(end.text);
    if (missing !== undefined) return { kind: 'missing', missing };
  }
  if (end.problem !== undefined) return { kind: 'error', error: end.problem.toShape() };
  if (end.lost) return { kind: 'lost' };
  const how = end.signal === undefined ? `with exit code ${String(end.code ?? 'unknown')}` : `by ${end.signal}`;
  const said = [end.text, end.stderr].map((text) => text.trim()).filter((text) => text !== '').join('; ');
  const error = new HsmfleetError('AGENT', `the agent on ${host} ended ${how}${greeted ? ' in the middle of a play' : ' at its start'}${said === '' ? '' : `: ${redact(said)}`}`, {
    host,
    hint: greeted ? `what it did until then is in ${journal}` : 'does Node run there? set up the host by hand or look at its logs',
  });
  return { kind: 'error', error: error.toShape() };
}

/** A connection that was there and is gone again is looked for, wherever it was lost: while files were sent, say. */
export function lostOrThrow(thrown: unknown): TalkEnd {
  if (thrown instanceof HsmfleetError && thrown.code === 'CONNECTION_LOST') return { kind: 'lost' };
  throw thrown;
}
