import { createInterface } from 'node:readline';
import { loadPkcs11, resultOf } from '../native.ts';
import { writeAnswer } from '../write-answer.ts';
import { GenerationFailure } from './child-generate.ts';
import { ChildSession, type WritableCryptoki } from './child-session.ts';
import type { StationFailure, StationLine, StationRequest } from './protocol.ts';

/**
 * The station's child program: keeps one module loaded and one session open, and does what requests ask, until it is told to
 * end or its parent is gone.
 *
 * A session that logged in is logged out and finalized. One that only read ends with SIGKILL, without any good-bye: at a
 * station, too, a web server may be using the token (field notes 0b).
 * @param library the first request is about it already
 * @param addonPath the native add-on
 */
export async function runStationChild(library: string, addonPath: string): Promise<void> {
  let call = 'starting';
  const announce = (next: string): void => {
    call = next;
    // an announcement that nobody reads is no reason to leave a token in the middle of something
    try { writeAnswer<StationLine>({ call }); } catch { /* see above */ }
  };
  let session: ChildSession | undefined;
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      const request = JSON.parse(line) as StationRequest;
      let reply: StationLine;
      let generated: Parameters<ChildSession['discard']>[0] | undefined;
      try {
        if (session === undefined) {
          announce('loading the add-on');
          session = new ChildSession(loadPkcs11(addonPath) as WritableCryptoki, library, announce);
        }
        const answer = await session.handle(request);
        if (request.op === 'generate') generated = answer as typeof generated;
        reply = { answer };
      } catch (thrown) {
        reply = { failed: describe(thrown, call) };
      }
      try {
        writeAnswer<StationLine>(reply);
      } catch {
        // the parent is gone: a key pair that it never heard of would be in the way of the next try
        if (generated !== undefined) session?.discard(generated);
        break;
      }
      if (request.op === 'end') break;
    }
    session?.end();
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}

function describe(thrown: unknown, call: string): StationFailure {
  if (thrown instanceof GenerationFailure) return thrown.failure;
  const result = resultOf(thrown);
  return { call, message: thrown instanceof Error ? thrown.message : String(thrown), ...(result === undefined ? {} : { result }) };
}
