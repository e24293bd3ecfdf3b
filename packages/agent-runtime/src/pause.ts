/** Waits; false when the run was told to stop meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted === true) return false;
  if (milliseconds <= 0) return true;
  return new Promise((resolve) => {
    const stop = (): void => { settle(false); };
    const timer = setTimeout(() => { settle(true); }, milliseconds);
    const settle = (whole: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(whole);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
