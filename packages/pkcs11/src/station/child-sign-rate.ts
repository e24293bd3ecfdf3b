import type { Announce } from '../child-observe.ts';
import { CKF_SERIAL_SESSION } from '../cryptoki.ts';
import { resultOf, type Handle } from '../native.ts';
import type { WritableCryptoki } from './child-session.ts';
import type { StationAnswers, StationRequest } from './protocol.ts';

/** What the native class has besides: C_Sign in a thread of its own. */
interface SigningInThreads {
  C_SignCallback(session: Handle, data: Buffer, signature: Buffer, done: (error: Error | null) => void): void;
}

/**
 * Signs with one key in several sessions at the same time until the time is over, as the threads of a web server do: all in
 * one process, so that a module with one lock for everything shows itself. C_SignInit is called in between by the main
 * thread; it reaches no card.
 */
export async function measureSignRate(
  cryptoki: WritableCryptoki,
  slot: Handle,
  { key, mechanism, data, size, sessions, seconds }: Extract<StationRequest, { op: 'sign_rate' }>,
  announce: Announce,
): Promise<StationAnswers['sign_rate']> {
  const handles = Array.from({ length: sessions }, (_, index) => {
    announce(`C_OpenSession ${String(index + 1)}`);
    return cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION);
  });
  const tally = { signatures: 0, failed: 0, problem: null as string | null };
  // hundreds a second would be announced in vain: the one announcement tells what a hang was in
  announce(`C_Sign in ${String(sessions)} sessions`);
  const started = performance.now();
  const until = started + seconds * 1_000;
  const [handle, bytes] = [Buffer.from(key, 'hex'), Buffer.from(data, 'hex')];
  const threads = cryptoki as unknown as SigningInThreads;
  await Promise.all(handles.map(async (session) => {
    const signature = Buffer.alloc(size);
    while (performance.now() < until) {
      try {
        cryptoki.C_SignInit(session, { mechanism }, handle);
        await new Promise<void>((resolve, reject) => {
          threads.C_SignCallback(session, bytes, signature, (error) => { if (error === null) resolve(); else reject(error); });
        });
        tally.signatures += 1;
      } catch (thrown) {
        tally.failed += 1;
        tally.problem ??= resultOf(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown));
        // a session whose token is gone fails at once: no tight loop
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
    }
  }));
  const elapsedS = (performance.now() - started) / 1_000;
  for (const session of handles) {
    announce('C_CloseSession');
    // one that the token has closed already is closed
    try { cryptoki.C_CloseSession(session); } catch { /* see above */ }
  }
  return { ...tally, elapsedS };
}
