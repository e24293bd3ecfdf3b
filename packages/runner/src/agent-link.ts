import { encodeBinaryFrame, encodeJsonFrame, FrameDecoder, HsmfleetError, type AgentFrame, type ControlFrame } from '@hsmfleet/contract';
import { agentFrameProblem } from '@hsmfleet/contract/wire-validator';
import type { Channel } from '@hsmfleet/transport';
import { escapeControls, escapeControlsIn } from './escape-controls.ts';

const TEXT_LIMIT = 4000;
/** How long output may trail behind the end of its program. */
const DRAIN_MS = 1000;

/** How an agent's process ended. */
export interface LinkEnd {
  code: number | undefined;
  signal: string | undefined;
  /** The connection went away under it: the agent itself may go on. */
  lost: boolean;
  /** Start of stdout when it was no frames: the start command's line, or a shell's noise. */
  text: string;
  /** End of stderr. */
  stderr: string;
  /** What broke the protocol, if anything did. */
  problem: HsmfleetError | undefined;
}

/** Frames to and from one agent process. Everything received is validated and has its control characters escaped. */
export class AgentLink {
  readonly #channel: Channel;
  readonly #host: string;
  readonly #decoder = new FrameDecoder();
  readonly #onFrame: (frame: AgentFrame) => void;
  readonly #onBytes: (bytes: Buffer) => void;
  #open = true;
  #framed = false;
  #text = '';
  #stderr = '';
  #problem: HsmfleetError | undefined;
  #breakOff: () => void = () => undefined;
  /** Resolves when the process ended, the connection was lost, or the agent broke the protocol. */
  readonly ended: Promise<LinkEnd>;

  /** @param onBytes takes bytes of the blob that was announced last; both may throw what breaks the protocol */
  constructor(channel: Channel, host: string, onFrame: (frame: AgentFrame) => void, onBytes: (bytes: Buffer) => void) {
    this.#channel = channel;
    this.#host = host;
    this.#onFrame = onFrame;
    this.#onBytes = onBytes;
    const drained = new Promise<void>((resolve) => { channel.stdout.once('end', resolve).once('close', resolve).on('error', () => { resolve(); }); });
    const brokenOff = new Promise<void>((resolve) => { this.#breakOff = resolve; });
    channel.stdout.on('data', (chunk: Buffer) => { this.#receive(chunk); });
    channel.stderr.on('data', (chunk: Buffer) => { this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-TEXT_LIMIT); });
    channel.stderr.on('error', () => undefined);
    // the end of the program tells why it cannot be written to
    channel.stdin.on('error', () => undefined);
    this.ended = this.#awaitEnd(drained, brokenOff);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Sends a frame. Goes nowhere when the link has ended. */
  send(frame: ControlFrame): void {
    if (this.#open) this.#channel.stdin.write(encodeJsonFrame(frame));
  }

  /** Sends bytes as one binary frame and waits until there is room for more. */
  async sendBytes(bytes: Buffer): Promise<void> {
    if (!this.#open || this.#channel.stdin.write(encodeBinaryFrame(bytes))) return;
    await Promise.race([new Promise((resolve) => this.#channel.stdin.once('drain', resolve)), this.ended]);
  }

  /** Says goodbye: the agent has nothing more to expect. */
  close(): void {
    if (this.#open) this.#channel.stdin.end(encodeJsonFrame({ type: 'bye' } satisfies ControlFrame));
    this.#open = false;
  }

  /** Breaks off because the agent did what it must not. */
  fail(problem: HsmfleetError): void {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    this.#channel.stdin.end();
    this.#breakOff();
  }

  #receive(chunk: Buffer): void {
    if (!this.#framed && this.#text.length < TEXT_LIMIT) this.#text += chunk.toString('utf8').slice(0, TEXT_LIMIT);
    if (this.#problem !== undefined) return;
    try {
      for (const frame of this.#decoder.push(chunk)) {
        this.#framed = true;
        if (frame.kind === 'binary') {
          this.#onBytes(frame.bytes);
          continue;
        }
        const problem = agentFrameProblem(frame.value);
        if (problem !== undefined) throw new HsmfleetError('AGENT', `it sent a frame that is not valid: ${escapeControls(problem)}`);
        this.#onFrame(escapeControlsIn(frame.value as AgentFrame));
        if (this.#problem !== undefined) return;
      }
    } catch (error) {
      const { message } = error as Error;
      const hint = this.#framed ? 'is the agent on the host damaged? remove its agent directory and run again' : 'do the shell start files of that user print something when they are not interactive?';
      const seen = this.#framed ? '' : `; it began with "${escapeControls(this.#text.slice(0, 200)).replaceAll('\n', ' ')}"`;
      this.fail(new HsmfleetError('AGENT', `the agent on ${this.#host} broke the protocol: ${message}${seen}`, { host: this.#host, hint, cause: error }));
    }
  }

  async #awaitEnd(drained: Promise<void>, brokenOff: Promise<void>): Promise<LinkEnd> {
    // text that is no frame may be the start command's answer: give the program a moment to end
    const exit = await Promise.race([this.#channel.exit, brokenOff.then(() => pause(DRAIN_MS)).then(() => undefined)]);
    this.#open = false;
    if (exit?.lost !== true) await Promise.race([drained, pause(DRAIN_MS)]);
    return {
      code: exit?.code,
      signal: exit?.signal,
      lost: exit?.lost ?? false,
      text: this.#framed ? '' : this.#text,
      stderr: escapeControls(this.#stderr).trim(),
      problem: this.#problem,
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
