import { connect } from 'node:net';

/** Sends bytes as they are, so that no client tidies them up, and answers what came back until the server closed, or the time was over. */
export function sendRaw(url: string, text: string, options: { waitMs?: number; pieces?: { text: string; everyMs: number } } = {}): Promise<{ answer: string; ms: number; closed: boolean }> {
  const { hostname, port } = new URL(url);
  const started = performance.now();
  return new Promise((resolve) => {
    let answer = '';
    let closed = false;
    const socket = connect(Number(port), hostname);
    const timers: NodeJS.Timeout[] = [];
    const end = (): void => {
      timers.forEach((timer) => { clearTimeout(timer); });
      socket.destroy();
      resolve({ answer, ms: performance.now() - started, closed });
    };
    timers.push(setTimeout(end, options.waitMs ?? 2_000));
    socket.on('data', (chunk: Buffer) => { answer += chunk.toString('latin1'); });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      end();
    });
    socket.write(text);
    const { pieces } = options;
    if (pieces !== undefined) timers.push(setInterval(() => { socket.write(pieces.text); }, pieces.everyMs));
  });
}
