import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPinAuthority, type PinDecision, type PinGuard } from './pin-authority.ts';

/** A guard as several runners share it: one unproven PIN at a time, and frozen for all by a wrong one. */
function sharedGuard(): { guard: () => PinGuard; told: string[] } {
  const told: string[] = [];
  let frozen: string | undefined;
  let holder: string | undefined;
  let waiting: (() => void)[] = [];
  const guard = (): PinGuard => ({
    async ask(host, _token, proven) {
      while (!proven && holder !== undefined && frozen === undefined) await new Promise<void>((resolve) => waiting.push(resolve));
      if (frozen !== undefined) return { decision: 'refused', reason: frozen };
      if (!proven) holder = host;
      return { decision: 'go' };
    },
    told(host, outcome, reason) {
      told.push(`${host} ${outcome}`);
      if (outcome === 'incorrect' || outcome === 'unknown') frozen ??= reason;
      if (holder === host) holder = undefined;
      for (const resolve of waiting) resolve();
      waiting = [];
      return Promise.resolve();
    },
  });
  return { guard, told };
}

/** What was decided by now. */
async function now(decided: Promise<PinDecision>): Promise<PinDecision | 'waits'> {
  await turn();
  return Promise.race([decided, turn('waits' as const)]);
}

test('one host of all runners tries a PIN that is not proven; the next runner tries it itself when that went well', async () => {
  const { guard, told } = sharedGuard();
  const [one, two] = [createPinAuthority(guard()), createPinAuthority(guard())];
  const [a, b, c] = [one.ask('a', 'pin', 't'), one.ask('b', 'pin', 't'), two.ask('c', 'pin', 't')];
  expect(await now(a.decided)).toEqual({ decision: 'go' });
  expect([await now(b.decided), await now(c.decided)]).toEqual(['waits', 'waits']);
  a.report('correct');
  expect([await now(b.decided), await now(c.decided)]).toEqual([{ decision: 'go' }, { decision: 'go' }]);
  expect(told).toEqual(['a correct']);
});

test('a wrong PIN stops all runners, one that has proven a PIN before as well', async () => {
  const { guard } = sharedGuard();
  const [one, two] = [createPinAuthority(guard()), createPinAuthority(guard())];
  const proof = one.ask('b', 'pin', 't');
  await now(proof.decided);
  proof.report('correct');
  const wrong = two.ask('c', 'pin', 't');
  expect(await now(wrong.decided)).toEqual({ decision: 'go' });
  wrong.report('incorrect');
  const reason = 'the token "t" on c answered that this PIN is wrong: it is not tried again in this run';
  expect(await now(one.ask('d', 'pin', 't').decided)).toEqual({ decision: 'refused', reason });
  expect(await now(two.ask('e', 'other', 't').decided)).toEqual({ decision: 'refused', reason });
});

test('a host that goes while it tries freezes PINs; one that goes while it waits gives back what it may be granted', async () => {
  const { guard, told } = sharedGuard();
  const [one, two] = [createPinAuthority(guard()), createPinAuthority(guard())];
  const first = one.ask('a', 'pin', 't');
  await now(first.decided);
  const waiting = two.ask('b', 'pin', 't');
  waiting.abandon();
  expect(await now(waiting.decided)).toEqual({ decision: 'refused', reason: 'the host is gone' });
  first.report('correct');
  await turn();
  const next = two.ask('c', 'pin', 't');
  expect(await now(next.decided)).toEqual({ decision: 'go' });
  next.report('not_tried');
  expect(told).toContain('b not_tried');
  const lost = one.ask('d', 'other', 't');
  await now(lost.decided);
  lost.abandon();
  await turn();
  expect(await now(two.ask('e', 'pin', 't').decided)).toMatchObject({ decision: 'refused' });
});
