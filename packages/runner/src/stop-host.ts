import type { AgentFrame, RunEvent } from '@hsmfleet/contract';
import type { HostTarget, Transport } from '@hsmfleet/transport';
import { EXIT_MISSING, EXIT_NODE_TOO_OLD, startCommand } from './agent-command.ts';
import { AgentLink } from './agent-link.ts';
import type { AgentBundle } from './model.ts';

export interface StopHostOptions {
  run: string;
  /** "anna@desk" */
  by: string;
  /** In that person's own words; may be empty. */
  reason: string;
  host: string;
  target: HostTarget;
  transport: Transport;
  bundle: AgentBundle;
  /** Every event of the run in the host's journal. */
  onEvent(event: RunEvent): void;
  /** How long the host's current task is waited for, milliseconds. */
  patienceMs: number;
}

/** What became of a run on a host that was asked to stop. `none`: it never got there, or was over. */
export type StoppedHost = { kind: 'ended'; status: 'ok' | 'failed' | 'refused' | 'stopped' } | { kind: 'none'; why: string } | { kind: 'goes on'; why: string };

/**
 * Asks the agent of a run to stop after its current task, without the process that controls the run: with a connection and an
 * agent of its own, which tells the other one. Waits for the end, and reads the journal.
 * @throws HsmfleetError when the host cannot be reached
 */
export async function stopHost(options: StopHostOptions): Promise<StoppedHost> {
  const { run, by, reason, host, target, transport, bundle } = options;
  const connection = await transport.connect(target);
  let timer: NodeJS.Timeout | undefined;
  try {
    const channel = await connection.exec(startCommand(bundle, { systemNode: true }), { become: true });
    const answered = new Promise<StoppedHost>((resolve) => {
      const receive = (frame: AgentFrame): void => {
        if (frame.type === 'event' && frame.event.run === run && frame.event.host === host) options.onEvent(frame.event);
        if (frame.type === 'done') resolve({ kind: 'ended', status: frame.status });
        if (frame.type === 'error') resolve({ kind: 'none', why: frame.error.message });
      };
      const link = new AgentLink(channel, host, receive, () => undefined);
      timer = setTimeout(() => { resolve({ kind: 'goes on', why: `its current task takes longer than ${String(options.patienceMs / 1_000)} s; it stops after it` }); }, options.patienceMs);
      link.send({ type: 'cancel_run', run, by, reason });
      link.send({ type: 'attach', run, afterSeq: -1 });
      void link.ended.then((end) => {
        if (end.code === EXIT_MISSING || end.code === EXIT_NODE_TOO_OLD) resolve({ kind: 'none', why: `there is no agent on ${host}` });
        else resolve({ kind: 'goes on', why: end.problem?.message ?? (end.lost ? 'the connection was lost' : `the agent ended with exit code ${String(end.code ?? 'unknown')}`) });
      });
    });
    return await answered;
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}
