/** A try to deliver that failed. Its message has neither a secret nor an address that may be one. */
export class DeliveryError extends Error {
  /** Milliseconds that the receiver asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'DeliveryError';
    this.retryAfterMs = retryAfterMs;
  }
}
