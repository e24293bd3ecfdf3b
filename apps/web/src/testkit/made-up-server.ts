import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A real server with a made-up fleet of a thousand hosts, and the tokens of its two users. */
export interface MadeUpServer {
  origin: string;
  port: number;
  viewer: string;
  operator: string;
  stop(): void;
}

const PROGRAM = fileURLToPath(new URL('../../../../packages/web-api/src/testdata/fixture-server.ts', import.meta.url));
const PAGES = fileURLToPath(new URL('../../dist', import.meta.url));

/**
 * Starts it as a process of its own, so that it does not share the test's time.
 * @param origins further addresses under which it may be reached
 */
export async function startMadeUpServer(origins: readonly string[]): Promise<MadeUpServer> {
  const port = await findFreePort();
  const child = spawn(process.execPath, [PROGRAM, '--port', String(port), '--web', PAGES, ...origins.flatMap((origin) => ['--allow', origin])], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    let complained = '';
    child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString()));
    child.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}: ${complained}`)));
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const [, viewer, operator] = /viewer: (\S+)\noperator: (\S+)\n/.exec(said) ?? [];
      if (viewer === undefined || operator === undefined) return;
      resolve({ origin: `http://127.0.0.1:${String(port)}`, port, viewer, operator, stop: () => child.kill() });
    });
  });
}

/** A port of this machine that nothing listens on. */
function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
