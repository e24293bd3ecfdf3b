import type { Readable, Writable } from 'node:stream';
import { FrameDecoder, PROTOCOL, encodeJsonFrame, type AgentFrame, type ControlFrame, type Plan } from '@hsmfleet/contract';
import type { Recording } from './recording.ts';

/** What simulated hosts were asked and did: for the figures, and to prove that nothing was done twice. */
export interface Tally {
  connections: number;
  conversations: number;
  /** Plays that a host was asked for the first time in a run: on a real host, the work. */
  executed: number;
  /** Plays told again from the journal, to a control host that came back or to another one. */
  replayed: number;
  /** Bytes of events sent. */
  bytes: number;
}

export function emptyTally(): Tally {
  return { connections: 0, conversations: 0, executed: 0, replayed: 0, bytes: 0 };
}

/** The journals of all simulated hosts: which play of a run they began, and when it ends. */
export class Journals {
  readonly #plays = new Map<string, { play: number; endsAt: number }>();
  readonly #keep: number;

  /** @param keep how many hosts' newest runs are remembered */
  constructor(keep: number) {
    this.#keep = keep;
  }

  find(run: string, host: string): { play: number; endsAt: number } | undefined {
    return this.#plays.get(`${run} ${host}`);
  }

  begin(run: string, host: string, play: number, endsAt: number): void {
    this.#plays.set(`${run} ${host}`, { play, endsAt });
    if (this.#plays.size > this.#keep) this.#plays.delete(this.#plays.keys().next().value as string);
  }
}

/** How simulated hosts answer. */
export interface Behaviour {
  recording: Recording;
  journals: Journals;
  tally: Tally;
  /** Milliseconds that a host takes for a play. */
  latencyMs: number;
}

/**
 * Speaks as an agent on one channel. Which host it is, the plan tells: so any number of hosts share one address. As on a
 * real host a play that was begun in a run is told again, never run again, and goes on when the control host is gone.
 */
export function speakAsAgent(input: Readable, output: Writable, end: () => void, behaviour: Behaviour): void {
  const { recording, tally } = behaviour;
  const decoder = new FrameDecoder();
  let work = Promise.resolve();
  tally.conversations += 1;
  const send = (frame: AgentFrame): void => { output.write(encodeJsonFrame(frame)); };
  send({ type: 'hello', protocol: PROTOCOL, agent: recording.agent, node: recording.node, platform: 'linux-x64-glibc', capabilities: ['plan', 'attach'] });
  input.on('data', (chunk: Buffer) => {
    for (const frame of decoder.push(chunk)) {
      if (frame.kind !== 'json') continue;
      const told = frame.value as ControlFrame;
      if (told.type === 'plan') work = work.then(() => play(told.plan, output, send, behaviour));
      if (told.type === 'bye') void work.then(end);
    }
  });
}

async function play(plan: Plan, output: Writable, send: (frame: AgentFrame) => void, { recording, journals, tally, latencyMs }: Behaviour): Promise<void> {
  const { run, host } = plan;
  const index = plan.play.index;
  const begun = journals.find(run, host);
  const known = begun !== undefined && begun.play >= index;
  if (known) tally.replayed += 1;
  else {
    tally.executed += 1;
    journals.begin(run, host, index, Date.now() + latencyMs);
  }
  const wait = (known ? begun.endsAt : Date.now() + latencyMs) - Date.now();
  if (wait > 0) await new Promise((resolve) => { setTimeout(resolve, wait); });
  const frames = recording.tell(run, host, new Date().toISOString()).map((text) => jsonFrame(`{"type":"event","event":${text}}`));
  const bytes = Buffer.concat(frames);
  tally.bytes += bytes.length;
  output.write(bytes);
  send({ type: 'done', play: index, status: recording.status });
}

/** A frame of a text that is JSON already. */
function jsonFrame(text: string): Buffer {
  const payload = Buffer.from(text, 'utf8');
  const header = Buffer.alloc(5);
  header.writeUInt32BE(payload.length, 0);
  return Buffer.concat([header, payload]);
}
