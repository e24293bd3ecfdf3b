import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Handshake, HandshakeTarget } from '@hsmfleet/resource';

const DEFAULT_TIMEOUT = 5_000;

/**
 * A real handshake and a page from where the load comes from, as the agent makes them on a host. The chain is not verified:
 * the question is which key serves. Never throws.
 */
export function probeSite(target: HandshakeTarget): Promise<Handshake> {
  return new Promise((resolve) => {
    const seen: Partial<Handshake> = {};
    const finish = (result: { ok: true } | { ok: false; problem: string }): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve({ ...seen, ...result });
    };
    const timeoutMs = target.timeoutMs ?? DEFAULT_TIMEOUT;
    const deadline = setTimeout(() => { finish({ ok: false, problem: `no answer within ${String(timeoutMs)} ms` }); }, timeoutMs);
    const socket = connect({
      host: target.address ?? '127.0.0.1', port: target.port, rejectUnauthorized: false,
      ...(isIP(target.serverName) === 0 ? { servername: target.serverName } : {}),
    });
    socket.on('secureConnect', () => {
      Object.assign(seen, evidenceOf(socket));
      socket.write(`GET ${target.path ?? '/'} HTTP/1.1\r\nHost: ${target.serverName}\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', (chunk: Buffer) => {
      const status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(chunk.toString('latin1'))?.[1]);
      if (Number.isNaN(status)) finish({ ok: false, problem: 'the answer is not HTTP' });
      else {
        seen.httpStatus = status;
        finish({ ok: true });
      }
    });
    socket.on('error', (thrown: NodeJS.ErrnoException) => { finish({ ok: false, problem: thrown.message || (thrown.code ?? 'unknown error') }); });
    socket.on('close', () => { finish({ ok: false, problem: 'the server closed the connection' }); });
  });
}

function evidenceOf(socket: TLSSocket): Partial<Handshake> {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  if (raw === undefined) return {};
  const { publicKey } = new X509Certificate(raw);
  const { modulusLength = null, namedCurve = null } = publicKey.asymmetricKeyDetails ?? {};
  const bits = /\D(\d{3})\D/.exec(namedCurve ?? '')?.[1];
  return {
    keyFingerprint: createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex'),
    key: { type: publicKey.asymmetricKeyType ?? 'unknown', bits: modulusLength ?? (bits === undefined ? null : Number(bits)), curve: namedCurve },
    protocol: socket.getProtocol() ?? 'unknown',
  };
}
