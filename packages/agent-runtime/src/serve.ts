import type { Readable, Writable } from 'node:stream';
import {
  FrameDecoder,
  HsmfleetError,
  PROTOCOL,
  toErrorShape,
  type Artifact,
  type ControlFrame,
  type Frame,
  type InventoryReport,
} from '@hsmfleet/contract';
import { controlFrameProblem } from '@hsmfleet/contract/wire-validator';
import type { AgentState, WriteHost } from '@hsmfleet/resource';
import { FrameWriter } from './frame-writer.ts';
import type { ResourceSource } from './run-context.ts';
import { ServedRun } from './served-run.ts';

/** What an agent is made of; the app wires it. */
export interface ServeOptions {
  /** Root-only directory for runs, blobs and the lock. */
  stateDir: string;
  /** Version of the agent, for people. */
  version: string;
  /** For example "linux-x64-glibc". */
  platform: string;
  input: Readable;
  output: Writable;
  resources: ResourceSource;
  /** Aborting ends the agent after the task that runs, as when the machine shuts down. */
  signal?: AbortSignal;
  /** Aborted when another agent of the same run took the place of this one's control host, see {@link LET_GO}. */
  letGo?: AbortSignal;
  /** Opens the host; called once, when the first plan arrives. */
  createHost: (wiring: HostWiring) => Promise<WriteHost>;
}

/** What a host is given of the run that it is opened for. */
export interface HostWiring {
  /** Where the bytes of a blob lie. */
  blob: (sha256: string) => string;
  /** Takes inventory reports. */
  report: (report: InventoryReport) => void;
  /** Takes word of packages that may be fetched from here. */
  announceArtifact: (artifact: Artifact, path: string) => void;
  /** What the agent knows of itself in this run. */
  agentState: () => AgentState;
}

/** What an agent can do beyond running plans. */
export const CAPABILITIES = ['plan', 'blobs', 'attach', 'pins', 'cancel', 'artifacts'] as const;

/**
 * Speaks with one control host over a pair of streams until `bye`, or until the streams end and no plan runs any more.
 * A run whose control host is gone goes on as its plan says (`onDisconnect`).
 */
export async function serve(options: ServeOptions): Promise<void> {
  const conversation = new Conversation(options);
  await conversation.run();
}

class Conversation {
  readonly #options: ServeOptions;
  readonly #writer: FrameWriter;
  readonly #run: ServedRun;
  readonly #decoder = new FrameDecoder();
  /** Plans and attachments, one after the other; frames that steer a running plan do not wait here. */
  #work: Promise<void> = Promise.resolve();
  #over!: () => void;
  readonly #ended = new Promise<void>((resolve) => {
    this.#over = resolve;
  });

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#writer = new FrameWriter(options.output, () => this.#disconnected());
    this.#run = new ServedRun(options, this.#writer);
  }

  async run(): Promise<void> {
    const { input, version, platform } = this.#options;
    this.#writer.send({ type: 'hello', protocol: PROTOCOL, agent: version, node: process.version, platform, capabilities: [...CAPABILITIES] });
    input.on('data', (chunk: Buffer) => this.#take(chunk));
    input.on('end', () => this.#disconnected());
    input.on('error', () => this.#disconnected());
    this.#options.signal?.addEventListener('abort', () => {
      this.#run.cancel();
      this.#over();
    });
    this.#options.letGo?.addEventListener('abort', () => { this.#writer.close(); });
    await this.#ended;
    await this.#work;
    await this.#run.close();
    await this.#writer.flush();
  }

  #disconnected(): void {
    this.#run.disconnected();
    this.#over();
  }

  #take(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch (thrown) {
      this.#giveUp(thrown);
      return;
    }
    for (const frame of frames) {
      try {
        if (frame.kind === 'binary') this.#run.takeBytes(frame.bytes);
        else this.#handle(checkFrame(frame.value));
      } catch (thrown) {
        this.#giveUp(thrown);
        return;
      }
    }
  }

  #handle(frame: ControlFrame): void {
    switch (frame.type) {
      case 'plan': this.#then(() => this.#run.play(frame.plan, frame.resume)); break;
      case 'attach': this.#then(() => this.#run.attach(frame.run, frame.afterSeq)); break;
      case 'blob': this.#run.takeBlob(frame.sha256, frame.size); break;
      case 'fetch_blob': this.#run.sendArtifact(frame.sha256); break;
      case 'pin_reply': this.#run.answerPin(frame.request, frame.decision === 'go', frame.reason); break;
      case 'custody_reply': this.#run.answerClaim(frame.request, frame.go, frame.reason); break;
      case 'cancel_run': this.#then(() => { this.#run.cancelRun(frame.run, frame.by, frame.reason); return Promise.resolve(); }); break;
      case 'undo_web': this.#then(() => this.#run.undoWeb(frame)); break;
      case 'once_reply':
      case 'delegate_reply':
      case 'step_reply': this.#run.answerControl(frame); break;
      // between the tasks of a play that runs here, so not behind it
      case 'delegate': void this.#tell(this.#run.delegate(frame)); break;
      case 'cancel': this.#run.cancel(); break;
      case 'bye': this.#over(); break;
    }
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#tell(this.#work.then(work));
  }

  #tell(work: Promise<void>): Promise<void> {
    return work.catch((thrown: unknown) => {
      this.#writer.send({ type: 'error', error: toErrorShape(thrown) });
    });
  }

  /** A peer that breaks the protocol is told so and treated as gone. */
  #giveUp(thrown: unknown): void {
    this.#options.input.pause();
    this.#writer.send({ type: 'error', error: toErrorShape(thrown, 'AGENT') });
    this.#disconnected();
  }
}

function checkFrame(value: unknown): ControlFrame {
  const problem = controlFrameProblem(value);
  if (problem === undefined) return value as ControlFrame;
  throw new HsmfleetError('AGENT', `the control host sent a frame that is not valid: ${problem}`);
}
