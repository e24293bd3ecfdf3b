import { toErrorShape, type ControlFrame, type ErrorShape, type EventBody, type Secret } from '@hsmfleet/contract';
import type { ExecuteContext, PinGate, WriteHost } from '@hsmfleet/resource';
import { millisecondsSince } from './elapsed.ts';
import { undoName } from './run-plan.ts';

/** A batch is settled. */
export type UndoFrame = Extract<ControlFrame, { type: 'undo_web' }>;

/** Name of the pseudo resource that reports what was put back with a batch. */
export const WEB_UNDO = 'web_undo';

interface UndoParts {
  host: WriteHost;
  pins: PinGate;
  /** Redacts and hands on. */
  emit: (body: EventBody) => void;
  learn: (secret: Secret) => void;
}

/**
 * Puts back what a play changed of the web server, and tells of it as of a task that failed: the host does not have what the play
 * was to bring. Without a reason what was kept is forgotten. Never throws.
 */
export async function undoPlay({ run, play, why }: UndoFrame, { host, pins, emit, learn }: UndoParts): Promise<'none' | 'put_back' | 'failed'> {
  if (why === undefined) {
    await host.forgetWebUndo?.().catch(() => undefined);
    return 'none';
  }
  const task = { task: `${String(play)}.undo`, name: 'put back what the batch changed', resource: WEB_UNDO, handler: false };
  const started = process.hrtime();
  const execute: ExecuteContext = { pins, learn, progress: (message) => { emit({ type: 'progress', task: task.task, message }); }, measured: () => undefined };
  let error: ErrorShape | undefined;
  try {
    error = (await host.undoWeb?.(undoName(run, play), why, execute))?.toShape();
  } catch (thrown) {
    error = toErrorShape(thrown);
  }
  if (error === undefined) return 'none';
  emit({ type: 'task_started', ...task });
  emit({ type: 'task_finished', ...task, outcome: 'failed', ignored: false, durationMs: millisecondsSince(started), changes: [], warnings: [], diffs: [], error });
  emit({ type: 'host_finished', play, status: 'failed', error });
  return error.code === 'WEB_BATCH_ROLLED_BACK' ? 'put_back' : 'failed';
}
