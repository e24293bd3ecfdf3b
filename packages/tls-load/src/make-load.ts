import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadNumbers, TlsLoadRequest } from '@hsmfleet/benchmark';

/** A request that takes longer has failed; siege's own limit. */
const REQUEST_MS = 30_000;

interface Answer {
  status: number;
  bytes: number;
  resumed: boolean;
  /** The session to offer next time. */
  session: Buffer | undefined;
}

/**
 * Makes load as siege does: each of the users makes a connection, a handshake and one request, closes, and begins again until
 * the time is over. With `resumed` a user offers the session of its last connection (a ticket, or the session ID of TLS 1.2):
 * its first handshake is full and is made before the clock starts.
 */
export async function makeLoad(request: TlsLoadRequest): Promise<LoadNumbers> {
  const tally = { transactions: 0, successful: 0, failed: 0, resumed: 0, bytes: 0, busyMs: 0, longestMs: 0, shortestMs: Number.POSITIVE_INFINITY };
  let problem: string | null = null;
  const controller = new AbortController();
  const users = Array.from({ length: request.concurrency }, () => ({ session: undefined as Buffer | undefined, turn: 0 }));
  const pathOf = (turn: number): string => request.paths[turn % request.paths.length] ?? '/';

  if (request.resumption === 'resumed') {
    await Promise.all(users.map(async (user) => {
      user.session = (await fetchPage(request, pathOf(0), undefined, controller.signal).catch(() => undefined))?.session;
    }));
  }
  const started = performance.now();
  const timer = setTimeout(() => { controller.abort(); }, request.seconds * 1_000);
  await Promise.all(users.map(async (user) => {
    while (!controller.signal.aborted) {
      if (request.delayS > 0) await sleep(Math.random() * request.delayS * 1_000, undefined, { signal: controller.signal }).catch(() => undefined);
      if (isOver(controller)) return;
      const begin = performance.now();
      try {
        const answer = await fetchPage(request, pathOf(user.turn), user.session, controller.signal);
        const took = performance.now() - begin;
        user.turn += 1;
        if (request.resumption === 'resumed') user.session = answer.session ?? user.session;
        tally.transactions += 1;
        if (answer.status < 400) tally.successful += 1;
        else problem ??= `status ${String(answer.status)}`;
        if (answer.resumed) tally.resumed += 1;
        tally.bytes += answer.bytes;
        tally.busyMs += took;
        tally.longestMs = Math.max(tally.longestMs, took);
        tally.shortestMs = Math.min(tally.shortestMs, took);
      } catch (thrown) {
        if (isOver(controller)) return;
        tally.failed += 1;
        problem ??= thrown instanceof Error ? thrown.message : String(thrown);
        // a session that the server does not want is not offered again
        user.session = undefined;
        // a server that refuses at once must not be hammered in a tight loop
        await sleep(10);
      }
    }
  }));
  clearTimeout(timer);
  const elapsedS = (performance.now() - started) / 1_000;
  const { transactions } = tally;
  const dataMB = tally.bytes / 1_048_576;
  return {
    transactions,
    successful: tally.successful,
    failed: tally.failed,
    elapsedS: round(elapsedS),
    dataMB: round(dataMB),
    responseS: transactions === 0 ? 0 : round(tally.busyMs / transactions / 1_000),
    rate: round(transactions / elapsedS),
    throughput: round(dataMB / elapsedS),
    reachedConcurrency: round(tally.busyMs / 1_000 / elapsedS),
    longestS: round(tally.longestMs / 1_000),
    shortestS: transactions === 0 ? 0 : round(tally.shortestMs / 1_000),
    resumedShare: transactions === 0 ? null : round(tally.resumed / transactions),
    problem,
  };
}

/** Asked anew, since it changes while a page is awaited. */
function isOver(controller: AbortController): boolean {
  return controller.signal.aborted;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** One connection, one handshake, one page. @throws Error when it does not come to an answer, or the time is over */
function fetchPage(request: TlsLoadRequest, path: string, session: Buffer | undefined, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const answer: Answer = { status: 0, bytes: 0, resumed: false, session: undefined };
    let head = '';
    const socket: TLSSocket = connect({
      host: request.address,
      port: request.port,
      // the question is how fast it serves, not who it is
      rejectUnauthorized: false,
      ...(isIP(request.serverName) === 0 ? { servername: request.serverName } : {}),
      ...(session === undefined ? {} : { session }),
    });
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      act();
    };
    const fail = (message: string): void => { settle(() => { reject(new Error(message)); }); };
    const abort = (): void => { fail('the time is over'); };
    signal.addEventListener('abort', abort);
    socket.setTimeout(REQUEST_MS, () => { fail('no answer within 30 s'); });
    // tickets of TLS 1.3 come after the handshake; the newest one is offered next
    socket.on('session', (given: Buffer) => { answer.session = given; });
    socket.on('secureConnect', () => {
      answer.resumed = socket.isSessionReused();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${request.serverName}\r\nUser-Agent: hsmfleet\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      answer.bytes += chunk.length;
      if (answer.status !== 0) return;
      head += chunk.toString('latin1');
      answer.status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(head)?.[1] ?? 0);
    });
    socket.on('error', (thrown) => { fail(thrown.message); });
    socket.on('close', () => {
      if (answer.status === 0) fail('the server closed the connection without an answer');
      else settle(() => { resolve(answer); });
    });
  });
}
