/** What a person's interrupts do to a run. */
export interface Interrupts {
  /** Aborted by the first one. */
  signal: AbortSignal;
  /** From here on signals are caught. */
  listen(): void;
  release(): void;
}

/** The first Ctrl-C lets every host end its current task, the second one leaves at once. */
export function catchInterrupts(note: (text: string) => void): Interrupts {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    note('interrupted: every host ends its current task; press Ctrl-C again to leave at once');
  };
  return {
    signal: controller.signal,
    listen() { process.on('SIGINT', stop).on('SIGTERM', stop); },
    release() { process.off('SIGINT', stop).off('SIGTERM', stop); },
  };
}
