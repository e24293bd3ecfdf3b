import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP, type NetConnectOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Handshake, HandshakeTarget } from '@hsmfleet/resource';

const DEFAULT_TIMEOUT = 5_000;
/** Only the status line of an answer is wanted. */
const ANSWER_LIMIT = 16_384;

/**
 * A real TLS handshake, and a page when `target.path` is given. The chain is not verified: the question is which key
 * serves. Never throws: a server that does not answer is an answer.
 */
export async function performHandshake(target: HandshakeTarget): Promise<Handshake> {
  const { connect } = await import('node:tls');
  return new Promise((resolve) => {
    const timeoutMs = target.timeoutMs ?? DEFAULT_TIMEOUT;
    const seen: Partial<Handshake> = {};
    const finish = (result: { ok: true } | { ok: false; problem: string }): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve({ ...seen, ...result });
    };
    const deadline = setTimeout(() => {
      finish({ ok: false, problem: `no answer within ${String(timeoutMs)} ms` });
    }, timeoutMs);
    const socket = connect({
      host: target.address ?? '127.0.0.1',
      port: target.port,
      rejectUnauthorized: false,
      // security level 0: our own library would not offer them otherwise, and the question is what the server accepts
      ...(target.oldProtocols === true ? { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const, ciphers: 'ALL:@SECLEVEL=0' } : {}),
      // no resumption: every proof has to make the server sign with the key
      ...(isIP(target.serverName) === 0 ? { servername: target.serverName } : {}),
    });
    socket.on('error', (thrown: NodeJS.ErrnoException) => {
      finish({ ok: false, problem: thrown.code === undefined ? thrown.message : `${thrown.message} (${thrown.code})` });
    });
    socket.on('secureConnect', () => {
      Object.assign(seen, evidenceOf(socket, target.serverName));
      if (seen.keyFingerprint === undefined) finish({ ok: false, problem: 'the server showed no certificate' });
      else if (target.path === undefined) finish({ ok: true });
      else socket.write(`GET ${target.path} HTTP/1.1\r\nHost: ${target.serverName}\r\nConnection: close\r\n\r\n`);
    });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const status = /^HTTP\/\d\.\d (\d{3})/.exec(answer)?.[1];
      if (status !== undefined) {
        seen.httpStatus = Number(status);
        finish({ ok: true });
      } else if (answer.length > ANSWER_LIMIT) {
        finish({ ok: false, problem: 'the answer is not HTTP' });
      }
    });
    socket.on('close', () => { finish({ ok: false, problem: 'the server closed the connection' }); });
  });
}

function evidenceOf(socket: TLSSocket, serverName: string): Partial<Handshake> {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  if (raw === undefined) return {};
  const certificate = new X509Certificate(raw);
  const { publicKey } = certificate;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const protocol = socket.getProtocol();
  return {
    keyFingerprint: sha256Hex(spki),
    key: keyOf(publicKey),
    certificateSha256: sha256Hex(raw),
    certificate: {
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      notBefore: new Date(certificate.validFrom).toISOString(),
      notAfter: new Date(certificate.validTo).toISOString(),
      namesServer: (isIP(serverName) === 0 ? certificate.checkHost(serverName) : certificate.checkIP(serverName)) !== undefined,
    },
    ...(protocol === null ? {} : { protocol }),
    cipher: socket.getCipher().standardName,
  };
}

/** A distinguished name as Node prints it has a line for each part. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function keyOf(key: KeyObject): NonNullable<Handshake['key']> {
  const { modulusLength = null, namedCurve = null } = key.asymmetricKeyDetails ?? {};
  return { type: key.asymmetricKeyType ?? 'unknown', bits: modulusLength ?? curveBits(namedCurve), curve: namedCurve };
}

/** The size is in the name: prime256v1, secp384r1, brainpoolP512r1. */
function curveBits(curve: string | null): number | null {
  const bits = /\D(\d{3})\D/.exec(curve ?? '')?.[1];
  return bits === undefined ? null : Number(bits);
}

function sha256Hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** True when something accepts a TCP connection within the time. */
export function isPortOpen(port: number, address = '127.0.0.1', timeoutMs = 1_000): Promise<boolean> {
  return accepts({ host: address, port }, timeoutMs);
}

/** True when something accepts a connection to a socket of the file system within the time. */
export function isSocketOpen(path: string, timeoutMs = 1_000): Promise<boolean> {
  return accepts({ path }, timeoutMs);
}

async function accepts(place: NetConnectOpts, timeoutMs: number): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(place);
    const finish = (open: boolean): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(open);
    };
    const deadline = setTimeout(() => { finish(false); }, timeoutMs);
    socket.on('connect', () => { finish(true); });
    socket.on('error', () => { finish(false); });
  });
}
