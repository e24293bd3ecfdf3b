import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ArtifactSink } from './artifact-fetch.ts';
import { createTestFleet, sha256, type TestFleet } from './testkit/fleet.ts';

let fleet: TestFleet;
let kept: Map<string, string>;
let open: number;
beforeEach(() => {
  fleet = createTestFleet();
  kept = new Map();
  open = 0;
});
afterEach(() => { fleet.remove(); });

/** Keeps packages in memory: the real one, with files, has specs of its own in the store. */
const sink: ArtifactSink = {
  has: (hash) => kept.has(hash),
  receive(hash, size) {
    let bytes = Buffer.alloc(0);
    let closed = false;
    const close = (): void => {
      if (!closed) open -= 1;
      closed = true;
    };
    open += 1;
    return {
      push(more) {
        bytes = Buffer.concat([bytes, more]);
        if (bytes.length < size) return false;
        close();
        if (sha256(bytes) !== hash) throw new Error('the bytes that came have another SHA-256');
        kept.set(hash, bytes.toString());
        return true;
      },
      abandon: close,
    };
  },
};
const run = (artifacts: { text: string; how?: string; name?: string }[], more: Parameters<TestFleet['run']>[1] = {}) =>
  fleet.run([fleet.play(['web01'], { artifacts }), fleet.play(['web01'], {}, { index: 1 })], { artifacts: sink, ...more });

it('packages that a host told of are here before the next play is bound', async () => {
  const seen: string[][] = [];
  const first = await run([{ text: 'package one' }, { text: 'package two' }], {
    bind: (plan) => {
      seen.push([...kept.values()]);
      return plan;
    },
  });
  expect(first.exitCode).toBe(0);
  expect(seen).toEqual([[], ['package one', 'package two']]);
  expect(first.of('artifact').map(({ artifact }) => artifact.sha256)).toEqual([sha256('package one'), sha256('package two')]);
});

it('packages that are here are not fetched again', async () => {
  kept.set(sha256('package one'), 'package one');
  const second = await run([{ text: 'package one', how: 'refuse' }]);
  expect(second.exitCode).toBe(0);
});

it.each([
  ['refuse', 'it was deleted'],
  ['wrong', 'the bytes that came have another SHA-256'],
  ['silent', 'nothing of it came for 0.2 s'],
])('a package that cannot be had (%s) fails the host, since a later play would take an older one', async (how, why) => {
  const failed = await run([{ text: 'package one', how }, { text: 'package two' }], { timings: { artifactStall: 200, reattach: 2000, reattachPause: 20 } });
  expect(failed).toMatchObject({ exitCode: 2, counts: { web01: { failed: 1 } } });
  expect(failed.of('task_finished').at(-1)).toMatchObject({
    name: 'fetch the packages that were built',
    error: { message: `the package lib 1-1 could not be fetched from web01: ${why}`, hint: 'it is built and stays there: run again, and it is only fetched' },
  });
  expect(failed.of('host_finished').map(({ status }) => status)).toEqual(['failed']);
  expect(failed.of('play_started')).toHaveLength(1);
  expect([[...kept.values()], open]).toEqual([['package two'], 0]);
});

it('a file that was not asked for breaks off the connection', async () => {
  const failed = await run([{ text: 'package one', how: 'other' }]);
  expect(failed.of('task_finished').at(-1)?.error?.message).toBe('the agent on web01 broke the protocol: it sent a file that it was not asked for');
  expect(kept.size).toBe(0);
});

it('a connection lost while the play runs costs nothing: the package is fetched over the next', async () => {
  const lost = await fleet.run([fleet.play(['web01'], { artifacts: [{ text: 'package one' }], tasks: 3, pause: 50 })], {
    artifacts: sink,
    onEvent: (event) => { if (event.type === 'artifact') fleet.connections.get('web01')?.at(-1)?.close(); },
  });
  expect(lost.exitCode).toBe(0);
  expect([...kept.values()]).toEqual(['package one']);
  expect(lost.of('host_finished').map(({ status }) => status)).toEqual(['ok']);
});

it('an agent that dies in the middle of a package is started again for it', async () => {
  const died = await run([{ text: 'package one', how: 'dies' }]);
  expect(died.exitCode).toBe(0);
  expect([[...kept.values()], open]).toEqual([['package one'], 0]);
  expect(died.of('warning')[0]?.message).toContain('the connection was lost');
});
