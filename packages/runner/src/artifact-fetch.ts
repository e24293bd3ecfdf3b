import { HsmfleetError, type Artifact } from '@hsmfleet/contract';
import type { AgentLink } from './agent-link.ts';

/** A file on its way in: it appears in its place only when it is whole and has the right hash. */
export interface ArtifactDraft {
  /** Takes bytes; true when the file is complete. Leaves nothing behind when it throws. @throws HsmfleetError AGENT, STORE */
  push(bytes: Buffer): boolean;
  /** Gives up: nothing stays behind. */
  abandon(): void;
}

/** Where packages that hosts built come to, by hash. */
export interface ArtifactSink {
  /** Is it there, whole? */
  has(sha256: string, size: number): boolean;
  /** Begins to take a file. @throws HsmfleetError STORE */
  receive(sha256: string, size: number): ArtifactDraft;
}

/**
 * Fetches the packages that one host told of, one after another, while its play goes on. What a lost connection cut short
 * is asked for again over the next one. A package that cannot be had is given up, so that no run ever hangs on it.
 */
export class ArtifactFetch {
  readonly #host: string;
  readonly #sink: ArtifactSink | undefined;
  readonly #stallMs: number;
  /** What is still to come; the first is the one that was asked for. */
  readonly #queue: Artifact[] = [];
  readonly #givenUp = new Set<string>();
  #link: AgentLink | undefined;
  #draft: ArtifactDraft | undefined;
  /** Bytes of a package that was given up still come. */
  #discarding = false;
  #problem: HsmfleetError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => undefined;

  /** @param sink packages stay where they are when undefined; @param stallMs how long an agent may send nothing of what it was asked for */
  constructor(host: string, sink: ArtifactSink | undefined, stallMs: number) {
    this.#host = host;
    this.#sink = sink;
    this.#stallMs = stallMs;
  }

  get pending(): boolean {
    return this.#queue.length > 0;
  }

  /** The host told of a package: fetches it when it is not here. */
  add(artifact: Artifact, link: AgentLink): void {
    if (this.#sink === undefined || this.#sink.has(artifact.sha256, artifact.size)) return;
    if (this.#queue.some(({ sha256 }) => sha256 === artifact.sha256)) return;
    this.#givenUp.delete(artifact.sha256);
    this.#queue.push(artifact);
    this.connect(link);
  }

  /** There is a connection: asks over it for what is missing, unless that was done. */
  connect(link: AgentLink): void {
    if (this.#link === link) return;
    this.disconnect();
    const [next] = this.#queue;
    if (next === undefined) return;
    this.#link = link;
    link.send({ type: 'fetch_blob', sha256: next.sha256 });
    this.#watch();
  }

  /** Bytes of a package follow. @throws HsmfleetError AGENT when it was not asked for */
  begin(sha256: string, size: number): void {
    const [asked] = this.#queue;
    this.#discarding = this.#givenUp.has(sha256);
    if (this.#discarding) return;
    if (this.#link === undefined || asked?.sha256 !== sha256 || this.#draft !== undefined) throw new HsmfleetError('AGENT', 'it sent a file that it was not asked for');
    if (size !== asked.size) throw new HsmfleetError('AGENT', `it sends ${String(size)} bytes of ${asked.file}, which it said has ${String(asked.size)}`);
    this.#attempt(() => { this.#draft = this.#sink?.receive(sha256, size); });
  }

  /** @throws HsmfleetError AGENT when no file was announced */
  take(bytes: Buffer): void {
    if (this.#discarding) return;
    const draft = this.#draft;
    if (draft === undefined) throw new HsmfleetError('AGENT', 'it sent bytes of no file');
    this.#watch();
    this.#attempt(() => {
      if (!draft.push(bytes)) return;
      this.#draft = undefined;
      this.#next();
    });
  }

  /** The host cannot send a package, or not to its end. */
  refuse(sha256: string, reason: string): void {
    if (this.#queue[0]?.sha256 === sha256) this.#giveUp(reason);
  }

  /** The connection is gone: what it carried is asked for again over the next one. */
  disconnect(): void {
    clearTimeout(this.#timer);
    this.#draft?.abandon();
    this.#draft = undefined;
    this.#link = undefined;
    this.#discarding = false;
  }

  /** Gives up all that is still to come. */
  abandon(reason: string): void {
    while (this.pending) this.#giveUp(reason);
  }

  /** Resolves when nothing is to come any more. */
  settled(): Promise<void> {
    if (!this.pending) return Promise.resolve();
    return new Promise((resolve) => { this.#wake = resolve; });
  }

  /** The first package that could not be had since the last call, and why. */
  takeProblem(): HsmfleetError | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  /** A file that cannot be kept is this package's trouble, not the connection's. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#discarding = true;
      this.#giveUp((thrown as Error).message);
    }
  }

  #giveUp(reason: string): void {
    const [artifact] = this.#queue;
    if (artifact === undefined) return;
    if (this.#draft !== undefined) this.#discarding = true;
    this.#draft?.abandon();
    this.#draft = undefined;
    this.#givenUp.add(artifact.sha256);
    this.#problem ??= new HsmfleetError('AGENT', `the package ${artifact.name} ${artifact.version} could not be fetched from ${this.#host}: ${reason}`, {
      host: this.#host,
      hint: 'it is built and stays there: run again, and it is only fetched',
    });
    this.#next();
  }

  #next(): void {
    this.#queue.shift();
    clearTimeout(this.#timer);
    const link = this.#link;
    this.#link = undefined;
    const [next] = this.#queue;
    if (next === undefined) {
      this.#wake();
      return;
    }
    if (link === undefined) return;
    this.#link = link;
    link.send({ type: 'fetch_blob', sha256: next.sha256 });
    this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#giveUp(`nothing of it came for ${String(this.#stallMs / 1000)} s`); }, this.#stallMs);
  }
}
