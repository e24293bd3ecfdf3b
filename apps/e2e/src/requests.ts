import { createHash } from 'node:crypto';
import { request } from 'node:https';
import { connect } from 'node:tls';

/** One HTTPS request over a connection of its own: the page's status, or why there was none. */
export function fetchPage(address: string, serverName: string, port = 443, path = '/'): Promise<{ status?: number; body?: string; problem?: string }> {
  return new Promise((resolve) => {
    const sent = request(
      { host: address, port, path, servername: serverName, headers: { host: serverName }, rejectUnauthorized: false, agent: false, timeout: 5_000 },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, body }); });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('timed out')));
    sent.on('error', (error) => { resolve({ problem: error.message }); });
    sent.end();
  });
}

/** SHA-256 of the SubjectPublicKeyInfo that a server serves, hex. */
export function servedKey(address: string, serverName: string, port = 443): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, servername: serverName, rejectUnauthorized: false, timeout: 5_000 }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('hex'));
    });
    socket.on('timeout', () => socket.destroy(new Error('timed out')));
    socket.on('error', reject);
  });
}

/** Asks a site again and again, each time over a new connection, until told to stop. */
export class Visitor {
  readonly problems: string[] = [];
  served = 0;
  /** How often it stopped serving: requests that failed one after the other are one gap. */
  gaps = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(address: string, serverName: string, port = 443) {
    this.#done = this.#loop(address, serverName, port);
  }

  async #loop(address: string, serverName: string, port: number): Promise<void> {
    // bounded: a test that forgets to stop must not ask for ever
    let serves = true;
    for (let count = 0; count < 5_000 && !this.#stopped; count += 1) {
      const { status, problem } = await fetchPage(address, serverName, port);
      if (status === 200) this.served += 1;
      else this.problems.push(problem ?? `status ${String(status)}`);
      if (serves && status !== 200) this.gaps += 1;
      serves = status === 200;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}
