import type { Message } from './message.ts';

/** Something that takes messages. */
export interface Sink {
  name: string;
  /** Milliseconds between two messages at least. */
  intervalMs: number;
  /** Milliseconds after which an undeliverable message is given up. */
  giveUpMs: number;
  /**
   * Delivers, or rejects with a {@link DeliveryError}: then the message will come again, with the same id.
   * @returns what went wrong all the same, for the log
   */
  send(message: Message, signal: AbortSignal): Promise<string[]>;
}
