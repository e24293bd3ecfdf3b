import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';

/** Certificate chain and private key, PEM. */
export interface TlsFiles {
  cert: string;
  key: string;
}

/** How long clients may take, milliseconds, and how many there may be. */
export interface ConnectionLimits {
  headersMs: number;
  requestMs: number;
  /** A connection on which nothing moves; event streams send a heartbeat more often. */
  idleMs: number;
  connections: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { headersMs: 10_000, requestMs: 20_000, idleMs: 60_000, connections: 512 };

/** Node's server with limits that a client which sends slowly, or nothing, runs into. */
export function createBoundedServer(handler: RequestListener, tls: TlsFiles | undefined, limits: ConnectionLimits): Server {
  const options = {
    headersTimeout: limits.headersMs, requestTimeout: limits.requestMs, connectionsCheckingInterval: Math.min(1_000, limits.headersMs / 2),
    keepAliveTimeout: 10_000, maxHeaderSize: 16_384, requireHostHeader: true,
  };
  const server = tls === undefined
    ? createHttpServer(options, handler)
    : createHttpsServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersMs }, handler);
  server.setTimeout(limits.idleMs);
  server.maxConnections = limits.connections;
  return server;
}

const STATUS_LINES: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** Answers what is no HTTP, too slow or too large, as far as there is anybody to answer. */
export function refuseConnection(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ error: { code: 'INVALID', message: 'the request cannot be understood, or came too slowly' } });
  socket.end([
    `HTTP/1.1 ${STATUS_LINES[error.code ?? ''] ?? '400 Bad Request'}`, 'content-type: application/json; charset=utf-8', 'connection: close',
    'x-content-type-options: nosniff', 'cache-control: no-store', `content-length: ${String(Buffer.byteLength(body))}`, '', body,
  ].join('\r\n'));
}
