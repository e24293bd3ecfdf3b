import { spawn, type ChildProcess } from 'node:child_process';
import { FrameDecoder, encodeBinaryFrame, encodeJsonFrame, type AgentFrame, type ControlFrame, type RunEvent } from '@hsmfleet/contract';

/** The bundled agent as a child process, spoken to as the control host does: for tests and measurements. */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly frames: AgentFrame[] = [];
  /** Resolves with the exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  readonly #decoder = new FrameDecoder();
  #waiting: (() => void)[] = [];

  /** @param node the Node that runs it; @param program path of agent.js */
  constructor(node: string, program: string, stateDir: string) {
    this.child = spawn(node, [program, 'serve', '--state', stateDir], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH ?? '', HOME: '/root', LANG: 'C.UTF-8' },
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code) => { resolve(code); this.#wake(); });
    });
    // writing to an agent that is gone is part of what tests do
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      for (const frame of this.#decoder.push(chunk)) if (frame.kind === 'json') this.frames.push(frame.value as AgentFrame);
      this.#wake();
    });
  }

  send(frame: ControlFrame): void {
    this.child.stdin?.write(encodeJsonFrame(frame));
  }

  sendBytes(bytes: Buffer): void {
    this.child.stdin?.write(encodeBinaryFrame(bytes));
  }

  get events(): RunEvent[] {
    return this.frames.flatMap((frame) => (frame.type === 'event' ? [frame.event] : []));
  }

  /** The first frame of a type that satisfies the test, now or later. @throws Error when the agent ends without it */
  async frame<T extends AgentFrame['type']>(type: T, test: (frame: Extract<AgentFrame, { type: T }>) => boolean = () => true): Promise<Extract<AgentFrame, { type: T }>> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && test(frame as Extract<AgentFrame, { type: T }>));
      if (found !== undefined) return found as Extract<AgentFrame, { type: T }>;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`the agent ended without a frame ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The first event of a type that satisfies the test, now or later. */
  async event<T extends RunEvent['type']>(type: T, test: (event: Extract<RunEvent, { type: T }>) => boolean = () => true): Promise<Extract<RunEvent, { type: T }>> {
    const frame = await this.frame('event', ({ event }) => event.type === type && test(event as Extract<RunEvent, { type: T }>));
    return frame.event as Extract<RunEvent, { type: T }>;
  }

  /** Cuts the connection: neither end is read or written any more. */
  cut(): void {
    this.child.stdin?.destroy();
    this.child.stdout?.destroy();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
