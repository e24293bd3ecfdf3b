import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { HsmfleetError, type BenchmarkModule, type Secret, type SignPoint } from '@hsmfleet/contract';
import { createColors, pointText, wantsColor } from '@hsmfleet/reporter';
import type { TokenObject, TokenSession } from '@hsmfleet/station';
import { openStore, type Store } from '@hsmfleet/store';
import { newRunId } from './run-identity.ts';
import { moduleOf, openStation, readUserPin, selectorOf, type PinOptions, type TokenOptions } from './token-options.ts';

/** Options of `bench sign`. */
export interface SignBenchmarkOptions extends Omit<TokenOptions, 'module'>, PinOptions {
  module?: string[];
  id?: string[];
  sessions: string;
  seconds: string;
}

/**
 * Measures keys of this machine's token through each module, one module after the other.
 * @returns 0, or 2 when no point could be measured
 * @throws HsmfleetError USAGE, HOST_BUSY when a web server uses a token, and what a station throws
 */
export async function runSignBenchmark(options: SignBenchmarkOptions): Promise<number> {
  const sessions = options.sessions.split(',').map((word) => wholeNumber('--sessions', word, 8));
  const seconds = wholeNumber('--seconds', options.seconds, 600);
  const modules = options.module ?? [moduleOf({}).path];
  const { refuseWhileServing } = await import('@hsmfleet/pkcs11/station');
  for (const path of modules) await refuseWhileServing(path, 'any');
  const store = await openStore();
  const run = newRunId();
  const points: SignPoint[] = [];
  let pin: Secret | undefined;
  try {
    for (const path of modules) {
      const target = moduleOf({ module: path, ...(options.moduleEnv === undefined ? {} : { moduleEnv: options.moduleEnv }) });
      const station = await openStation();
      const { description, version } = await station.list(target);
      const module: BenchmarkModule = { path, description, version, sha256: createHash('sha256').update(await readFile(path)).digest('hex') };
      const session = await station.open({ module: target, token: selectorOf({ ...options, module: path }) });
      try {
        process.stderr.write(`PIN of ${session.token.label}: ${session.pinTries().text}\n`);
        pin ??= await readUserPin(options, session.token.label);
        await session.login(pin, { allowLowPinCount: options.allowLowPinCount === true });
        for (const key of await chosenKeys(session, options.id)) {
          for (const count of sessions) {
            const point = await measure(session, module, key, count, seconds);
            points.push(point);
            tell(store, run, points, options.json === true);
            // a hung child is gone with its session: the next module may do better
            if (point.outcome === 'hung') throw new HungError();
          }
        }
      } catch (thrown) {
        if (!(thrown instanceof HungError)) throw thrown;
      } finally {
        await session.close();
      }
    }
  } finally {
    await store.close();
  }
  return points.some(({ outcome }) => outcome === 'measured') ? 0 : 2;
}

class HungError extends Error {}

function tell(store: Store, run: string, points: readonly SignPoint[], json: boolean): void {
  const point = points.at(-1);
  if (point === undefined) return;
  store.appendEvent({ type: 'benchmark', run, seq: points.length, at: new Date().toISOString(), host: '', point });
  process.stdout.write(json ? `${JSON.stringify(point)}\n` : `${pointText(point, createColors(wantsColor(process.stdout)))}\n`);
}

/** Each private key once, with what its public half shows. */
async function chosenKeys(session: TokenSession, ids: readonly string[] | undefined): Promise<TokenObject[]> {
  const objects = await session.objects();
  const wanted = ids?.map((id) => id.toLowerCase());
  const keys = objects.filter((object) => object.class === 'private' && (wanted === undefined || wanted.includes(object.id)) && (object.keyType === 'rsa' || object.keyType === 'ec'));
  if (keys.length === 0) throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${session.token.label} has no such private key`, { hint: '`hsmfleet token objects --login` shows what there is' });
  return keys.map((key) => {
    const shown = objects.find((object) => object.id === key.id && object.fingerprint !== null);
    return { ...key, fingerprint: key.fingerprint ?? shown?.fingerprint ?? null, bits: key.bits ?? shown?.bits ?? null, curve: key.curve ?? shown?.curve ?? null };
  });
}

async function measure(session: TokenSession, module: BenchmarkModule, key: TokenObject, sessions: number, seconds: number): Promise<SignPoint> {
  const of = {
    kind: 'sign' as const, at: new Date().toISOString(), host: hostname(), module, token: session.token.label, sessions, seconds,
    key: { fingerprint: key.fingerprint, label: key.label, type: key.keyType, bits: key.bits, curve: key.curve },
  };
  try {
    const { algorithm, signatures, failed, elapsedS, problem } = await session.signRate({ keyId: key.id, sessions, seconds });
    return { ...of, algorithm, signatures, failed, elapsedS, rate: Math.round((signatures / elapsedS) * 100) / 100, outcome: 'measured', problem };
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError) || thrown.code !== 'TIMEOUT') throw thrown;
    return { ...of, algorithm: key.keyType === 'ec' ? 'ecdsa-sha256' : 'rsa-pkcs1-sha256', signatures: 0, failed: 0, elapsedS: 0, rate: 0, outcome: 'hung', problem: thrown.message };
  }
}

function wholeNumber(option: string, word: string, most: number): number {
  const value = Number(word);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new HsmfleetError('USAGE', `${option} wants whole numbers from 1 to ${String(most)}, not "${word}"`);
  return value;
}
