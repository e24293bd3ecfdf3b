import { HsmfleetError, createSecretTable, decodeValue, encodeValue, type AgentFrame, type ControlFrame, type DelegatedReport, type Rendered, type Value, type WireValue } from '@hsmfleet/contract';
import { ControlGoneError } from './control-gone-error.ts';
import type { Session } from './host-variables.ts';
import type { ControlHost, Delegation, OnceTold } from './run-context.ts';

/** Answers of the control host to what {@link FrameControl} asks. */
export type ControlAnswer = Extract<ControlFrame, { type: 'once_reply' | 'delegate_reply' | 'step_reply' }>;

interface Waiting {
  resolve(answer: ControlAnswer): void;
  reject(error: HsmfleetError): void;
}

/**
 * The control host as the agent reaches it: a question out, an answer in. What is asked has a name of its own in the run, so
 * that the control host does nothing twice. Every question fails once the control host is gone.
 */
export class FrameControl implements ControlHost {
  readonly #session: Session;
  readonly #send: (frame: AgentFrame) => void;
  readonly #waiting = new Map<string, Waiting>();
  #confirmed = false;
  #closed = false;

  constructor(session: Session, send: (frame: AgentFrame) => void) {
    this.#session = session;
    this.#send = send;
  }

  async askOnce(request: string): Promise<OnceTold | undefined> {
    const answer = await this.#ask(request, { type: 'once_request', request });
    if (answer.type !== 'once_reply' || answer.run || answer.told === undefined) return undefined;
    const { outcome, ignored, result, vars, secrets } = answer.told;
    for (const { value } of Object.values(secrets)) this.#session.redactor.add(value);
    return { outcome, ignored, result: result as Record<string, Rendered>, vars: decodeValue(vars as WireValue, secrets) as Record<string, Rendered> };
  }

  tellOnce(request: string, { outcome, ignored, result, vars }: OnceTold): void {
    const table = createSecretTable();
    const encoded = encodeValue(vars as Value, table);
    this.#send({ type: 'once_result', request, outcome, ignored, result: this.#session.redactor.value(result), vars: encoded, secrets: table.entries });
  }

  async delegate({ request, task, to, params, texts, environment, again }: Delegation): Promise<DelegatedReport> {
    const table = createSecretTable();
    const frame: AgentFrame = {
      type: 'delegate_request', request, task, to, params: encodeValue(params, table),
      texts: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, encodeValue(text, table)])),
      ...(environment === undefined ? {} : { environment: encodeValue(environment, table) }),
      ...(again === true ? { again } : {}),
      secrets: table.entries,
    };
    const answer = await this.#ask(request, frame);
    if (answer.type !== 'delegate_reply') throw new HsmfleetError('AGENT', 'the control host answered something else than was asked');
    return answer.report;
  }

  async confirm(task: string, name: string): Promise<boolean> {
    if (this.#confirmed) return true;
    const answer = await this.#ask(`step ${task}`, { type: 'step_request', request: `step ${task}`, task, name: this.#session.redactor.text(name) });
    if (answer.type !== 'step_reply') return true;
    this.#confirmed = answer.rest;
    return answer.go;
  }

  /** Hands in an answer. Answers to what was not asked are passed over. */
  answer(answer: ControlAnswer): void {
    const waiting = this.#waiting.get(answer.request);
    this.#waiting.delete(answer.request);
    waiting?.resolve(answer);
  }

  /** The control host is gone: every question, open or to come, fails. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(new ControlGoneError(true));
    this.#waiting.clear();
  }

  #ask(request: string, frame: AgentFrame): Promise<ControlAnswer> {
    if (this.#closed) return Promise.reject(new ControlGoneError(false));
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      this.#send(frame);
    });
  }
}
