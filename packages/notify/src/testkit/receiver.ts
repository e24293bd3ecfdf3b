import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Received {
  headers: IncomingHttpHeaders;
  method: string;
  url: string;
  body: string;
  at: number;
}

/** A real web server on loopback that keeps what it gets. */
export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** Resolves when so many requests have come. */
  waitFor(count: number): Promise<void>;
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, request: Received, count: number) => void;

export async function startReceiver(answer: Answer = (response) => { response.end('ok'); }, tls?: { key: string; cert: string }): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const got = { headers: request.headers, method: request.method ?? '', url: request.url ?? '', body: Buffer.concat(parts).toString(), at: Date.now() };
      received.push(got);
      answer(response, got, received.length);
      for (const { count, resolve } of waiting) if (received.length >= count) resolve();
    });
  };
  const server: Server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}/hook`, port, received,
    waitFor: (count) => (received.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve }))),
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }),
  };
}
