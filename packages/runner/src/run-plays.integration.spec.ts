import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Plan } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFleet, makeBundle, makeFakeAgent, makeRuntime, sha256, type TestFleet } from './testkit/fleet.ts';

const PIN = 'c'.repeat(64);
const hosts = (count: number): string[] => Array.from({ length: count }, (_, n) => `web0${String(n + 1)}`);

let fleet: TestFleet;
beforeEach(() => { fleet = createTestFleet(); });
afterEach(() => { fleet.remove(); });

describe('starting the agent', () => {
  beforeEach(() => {
    fleet.remove();
    fleet = createTestFleet(false);
  });

  it('uploads the agent where it is missing, once, and then starts with one exec', async () => {
    const first = await fleet.run([fleet.play(['web01'])]);
    expect(first).toMatchObject({ exitCode: 0, counts: { web01: { ok: 1, failed: 0 } } });
    expect(first.of('host_started')[0]).toMatchObject({ agent: '0.0.0-fake', uploaded: ['agent'] });
    const second = await fleet.run([fleet.play(['web01'])]);
    expect(second.of('host_started')[0]?.uploaded).toEqual([]);
    expect(readdirSync(join(fleet.stateDir, 'agent'))).toEqual([fleet.bundle.hash]);
    expect(fleet.lines('starts')).toHaveLength(2);
  });

  it('lets several hosts that share a directory upload at once', async () => {
    const run = await fleet.run([fleet.play(hosts(4))]);
    expect(run.exitCode).toBe(0);
    expect(readdirSync(join(fleet.stateDir, 'agent'))).toEqual([fleet.bundle.hash]);
  });

  it('keeps the last three agents', async () => {
    for (const [n, name] of ['old1', 'old2', 'old3'].entries()) {
      mkdirSync(join(fleet.stateDir, 'agent', name), { recursive: true });
      utimesSync(join(fleet.stateDir, 'agent', name), 1000 + n, 1000 + n);
    }
    await fleet.run([fleet.play(['web01'])]);
    expect(readdirSync(join(fleet.stateDir, 'agent')).sort()).toEqual([fleet.bundle.hash, 'old2', 'old3'].sort());
  });

  it('sends a runtime where the Node is too old, and starts with it from then on', async () => {
    // the pushed runtime leaves a file when it is used: without it, this agent takes its Node for too old
    const agent = makeFakeAgent(fleet.directory, `if (!require('fs').existsSync(${JSON.stringify(join(fleet.directory, 'runtime-used'))})) { console.log('hsmfleet-missing runtime ' + process.arch + ' glibc'); process.exit(87); }`);
    const bundle = makeBundle(agent, { runtimes: makeRuntime(fleet.directory, '24.0.0') });
    const run = await fleet.run([fleet.play(['web01'])], { bundle });
    expect(run.of('task_finished')[0]?.error?.message).toBeUndefined();
    expect(run.of('host_started')[0]?.uploaded).toEqual(['agent', 'runtime']);
    expect(readdirSync(join(fleet.stateDir, 'runtime'))).toEqual([`24.0.0-linux-${process.arch}`]);
    expect((await fleet.run([fleet.play(['web01'])], { bundle })).of('host_started')[0]?.uploaded).toEqual([]);
  });

  it('says what to do when there is no runtime for the platform', async () => {
    const agent = join(fleet.directory, 'old.js');
    writeFileSync(agent, 'console.log(`hsmfleet-missing runtime ${process.arch} glibc`); process.exitCode = 87;');
    const run = await fleet.run([fleet.play(['web01'])], { bundle: makeBundle(agent) });
    expect(run).toMatchObject({ exitCode: 2, counts: { web01: { failed: 1 } } });
    expect(run.of('task_finished')[0]?.error).toMatchObject({ code: 'AGENT', message: `web01 has no Node that fits, and there is no runtime for linux-${process.arch} to send` });
  });

  it('does not install what arrived damaged', async () => {
    const file = fleet.bundle.files[0];
    const bundle = { ...fleet.bundle, files: [{ name: 'agent.js', path: file?.path ?? '', size: 1, sha256: '0'.repeat(64) }] };
    const run = await fleet.run([fleet.play(['web01'])], { bundle });
    expect(run.of('task_finished')[0]?.error).toMatchObject({ code: 'AGENT', message: 'the agent cannot be installed on web01: it arrived damaged' });
    expect(existsSync(join(fleet.stateDir, 'agent', fleet.bundle.hash))).toBe(false);
  });

  it('names the noise of a shell', async () => {
    const agent = join(fleet.directory, 'noise.js');
    writeFileSync(agent, 'console.log("Welcome \\u001b[31mto web01"); setTimeout(() => {}, 5000)');
    const run = await fleet.run([fleet.play(['web01'])], { bundle: makeBundle(agent) });
    expect(run.of('task_finished')[0]?.error).toMatchObject({ code: 'AGENT', hint: expect.stringContaining('shell start files') as string });
    expect(run.of('task_finished')[0]?.error?.message).toContain('it began with "Welcome \\x1b[31mto web01 "');
  });

  it('gives up on an agent that never says hello', async () => {
    const agent = join(fleet.directory, 'mute.js');
    writeFileSync(agent, 'process.stdin.resume()');
    const run = await fleet.run([fleet.play(['web01'])], { bundle: makeBundle(agent), timings: { agentStart: 400 } });
    expect(run.of('task_finished')[0]?.error?.code).toBe('TIMEOUT');
  });

  it('refuses another protocol version', async () => {
    const agent = makeFakeAgent(fleet.directory, `process.env.FAKE_PROTOCOL = '3';`);
    const run = await fleet.run([fleet.play(['web01'])], { bundle: makeBundle(agent) });
    expect(run.of('task_finished')[0]?.error?.message).toBe('the agent on web01 speaks protocol 3, not 2');
  });
});

describe('a play on a host', () => {
  it('sends several plays over one agent and stamps events in order', async () => {
    const run = await fleet.run([fleet.play(['web01'], { tasks: 2 }), fleet.play(['web01'], {}, { index: 1 })]);
    expect(fleet.lines('starts')).toHaveLength(1);
    expect(run.events.map(({ type }) => type)).toEqual([
      'run_started', 'play_started', 'batch_started', 'host_started', 'task_finished', 'task_finished', 'host_finished',
      'play_started', 'batch_started', 'task_finished', 'host_finished', 'run_finished',
    ]);
    expect(new Set(run.events.map((event) => `${event.host} ${String(event.seq)}`)).size).toBe(run.events.length);
  });

  it('streams the blobs the plan names', async () => {
    const bytes = Buffer.alloc(1_500_000, 'blob');
    const withBlob = (): Partial<Plan> => ({
      tasks: [{ id: '0.t0', name: 'copy', resource: 'copy', params: {}, position: { file: 'p', line: 1, column: 1 }, inputs: { content: { kind: 'blob', blob: { sha256: sha256(bytes), size: bytes.length, name: 'big.bin' } } } }],
    });
    const run = await fleet.run([fleet.play(['web01'], {}, { plan: withBlob })], { blob: () => Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]) });
    expect(run.of('task_finished').find(({ task }) => task === 'blobs')?.message).toBe(sha256(bytes));
    const shrunk = await fleet.run([fleet.play(['web01'], {}, { plan: withBlob })], { blob: () => Readable.from([bytes.subarray(1)]) });
    expect(shrunk.of('task_finished')[0]?.error).toMatchObject({ code: 'FILE_MISSING', message: 'the file big.bin cannot be sent to web01: it has shrunk since the playbook was read' });
    const foreign = await fleet.run([fleet.play(['web01'], { wants: ['d'.repeat(64)] }, { plan: withBlob })], { blob: () => Readable.from([bytes]) });
    expect(foreign.of('task_finished')[0]?.error?.message).toContain('asked for a file that its plan does not name');
  });

  it('reports a busy host as refused, with who holds it', async () => {
    const run = await fleet.run([fleet.play(['web01'], { busy: true })]);
    expect(run).toMatchObject({ exitCode: 2, counts: { web01: { refused: 1, failed: 0 } } });
    expect(run.of('task_finished')[0]?.error?.message).toBe('web01 is busy: run another-run by bob since 2026-01-01T00:00:00.000Z');
  });

  it('reports a crash with what the agent said, without secrets and escape sequences', async () => {
    const run = await fleet.run([fleet.play(['web01'], { crashAfter: 0, secret: 'hunter2-hunter2\x1b[2J' }, { plan: () => ({ secrets: { s1: { value: 'hunter2-hunter2', origin: 'pin' } } }) })]);
    expect(run).toMatchObject({ exitCode: 2, counts: { web01: { ok: 1, failed: 1 } } });
    expect(run.of('task_finished')[1]?.error?.message).toBe('the agent on web01 ended with exit code 3 in the middle of a play: boom [secret]\\x1b[2J');
  });

  it('breaks off on frames that are not valid and on events of other hosts', async () => {
    const raw = await fleet.run([fleet.play(['web01'], { raw: '\0\0\0\x02\0{}' })]);
    expect(raw.of('task_finished')[0]?.error?.message).toContain('a frame that is not valid');
    const forged = await fleet.run([fleet.play(['web01'], { event: { host: 'web02' } })]);
    expect(forged.of('task_finished')[0]?.error?.message).toContain('an event that is not its own (warning of web02)');
    expect(Object.keys(forged.counts)).toEqual(['web01']);
  });

  it('escapes control characters in what agents say', async () => {
    const run = await fleet.run([fleet.play(['web01'], { say: 'red \x1b[31m' })]);
    expect(run.of('warning')[0]?.message).toBe('red \\x1b[31m');
  });

  it('counts an error of the agent that no task tells of', async () => {
    const run = await fleet.run([fleet.play(['web01'], { error: { code: 'AGENT', message: 'the state directory is full' } })]);
    expect(run).toMatchObject({ exitCode: 2, counts: { web01: { failed: 1 } } });
    expect(run.of('host_finished')[0]).toMatchObject({ status: 'failed', error: { message: 'the state directory is full' } });
  });
});

describe('the PIN authority over the fleet', () => {
  it('costs one try on one token when the PIN is wrong for all of 8 hosts', async () => {
    const run = await fleet.run([fleet.play(hosts(8), { pin: PIN, outcome: 'incorrect' })]);
    expect(fleet.lines('logins')).toHaveLength(1);
    const canary = fleet.lines('logins')[0] ?? '';
    const refused = run.of('task_finished').filter(({ outcome }) => outcome === 'refused');
    expect(refused).toHaveLength(7);
    expect(refused[0]?.error?.message).toContain(`the token "token-${canary}" on ${canary} answered that this PIN is wrong`);
    expect(run.exitCode).toBe(2);
  });

  it('lets all log in once the canary was right', async () => {
    const run = await fleet.run([fleet.play(hosts(4), { pin: PIN, outcome: 'correct' })]);
    expect([run.exitCode, fleet.lines('logins').length]).toEqual([0, 4]);
  });

  it('fails closed when the canary dies after it was let go', async () => {
    const run = await fleet.run([fleet.play(hosts(3), { pin: PIN, outcome: 'correct', dieAfterGo: true })]);
    expect(fleet.lines('logins')).toHaveLength(1);
    expect(run.of('task_finished').filter(({ error }) => error?.code === 'PIN_REFUSED')).toHaveLength(2);
  });
});

describe('lost connections', () => {
  it('reads on from the journal, every event once', async () => {
    const run = await fleet.run([fleet.play(['web01'], { tasks: 6, pause: 60 })], {
      onEvent: (event) => { if (event.type === 'task_finished' && event.task === '0.t1') fleet.connections.get('web01')?.at(-1)?.close(); },
    });
    expect(run).toMatchObject({ exitCode: 0, counts: { web01: { ok: 6, unreachable: 0 } } });
    expect(run.of('task_finished').map(({ task }) => task)).toEqual(['0.t0', '0.t1', '0.t2', '0.t3', '0.t4', '0.t5']);
    expect(run.of('warning')[0]?.message).toContain('the connection was lost');
  });

  it('goes on with the next play after it found the host again', async () => {
    const run = await fleet.run([fleet.play(['web01'], { tasks: 3, pause: 60 }), fleet.play(['web01'], {}, { index: 1 })], {
      onEvent: (event) => { if (event.type === 'task_finished' && event.task === '0.t0') fleet.connections.get('web01')?.at(-1)?.close(); },
    });
    expect(run.of('host_finished').map(({ play, status }) => [play, status])).toEqual([[0, 'ok'], [1, 'ok']]);
  });

  it('says where the journal is when the host is not found again', async () => {
    const play = fleet.play(['web01'], { tasks: 3, pause: 100 });
    let cut = false;
    const run = await fleet.run([play, fleet.play(['web01'], {}, { index: 1 })], {
      timings: { reattach: 200, reattachPause: 20 },
      onEvent: (event) => {
        if (event.type !== 'task_finished' || cut) return;
        cut = true;
        play.targets.get('web01')!.become = { user: 'nobody-of-that-name' };
        fleet.connections.get('web01')?.at(-1)?.close();
      },
    });
    expect(run).toMatchObject({ exitCode: 4, counts: { web01: { unreachable: 1 } } });
    expect(run.of('host_unreachable')[0]?.error).toMatchObject({ code: 'CONNECTION_LOST', hint: expect.stringContaining('/runs/run-00000001/journal.ndjson') as string });
    expect(run.of('play_stopped')[0]?.reason).toBe('every host of the batch failed');
  });

  it('stops agents after their task when the run is interrupted', async () => {
    const controller = new AbortController();
    const run = await fleet.run([fleet.play(['web01'], { tasks: 50, pause: 30 })], {
      signal: controller.signal,
      onEvent: (event) => { if (event.type === 'task_finished') controller.abort(); },
    });
    expect(run.counts.web01?.ok).toBeLessThan(5);
    expect(run.of('host_finished')[0]?.status).toBe('stopped');
    expect(run.of('play_stopped')[0]?.reason).toBe('interrupted');
  });

  it('does not wait for ever for a host that goes on after an interrupt', async () => {
    const controller = new AbortController();
    const run = await fleet.run([fleet.play(['web01'], { tasks: 2, pause: 3000 })], {
      signal: controller.signal, timings: { cancel: 50 },
      onEvent: (event) => { if (event.type === 'task_finished') controller.abort(); },
    });
    expect(run.durationMs).toBeLessThan(2500);
    expect(run.of('warning')[0]?.message).toContain('journal.ndjson');
  });
});

describe('batches and the failure budget', () => {
  const failing = (...names: string[]) => (host: string): Record<string, unknown> => ({ fail: names.includes(host) });
  const batches = [['web01', 'web02'], ['web03', 'web04']];

  it('drops failed hosts from later plays and goes on with the others', async () => {
    const run = await fleet.run([fleet.play(hosts(3), failing('web02')), fleet.play(hosts(3), {}, { index: 1 })]);
    expect(run.of('play_started').map((event) => event.hosts)).toEqual([['web01', 'web02', 'web03'], ['web01', 'web03']]);
    expect(run.exitCode).toBe(2);
  });

  it('runs serial batches in order', async () => {
    const run = await fleet.run([fleet.play(hosts(4), {}, { batches })]);
    expect(run.of('batch_started').map((event) => [event.batch, event.of, event.hosts])).toEqual([[0, 2, ['web01', 'web02']], [1, 2, ['web03', 'web04']]]);
    const order = run.events.filter(({ type }) => type === 'batch_started' || type === 'host_finished').map((event) => (event.type === 'batch_started' ? 'batch' : 'host'));
    expect(order).toEqual(['batch', 'host', 'host', 'batch', 'host', 'host']);
  });

  it('stops when more than max_fail_percentage of a batch failed, and only then', async () => {
    const at = async (maxFailPercentage: number): Promise<string[][]> => {
      const run = await fleet.run([fleet.play(hosts(4), failing('web01'), { batches, maxFailPercentage }), fleet.play(['web04'], {}, { index: 1 })]);
      return [run.of('batch_started').map(({ hosts: names }) => names.join()), run.of('play_stopped').map(({ reason }) => reason)];
    };
    expect(await at(50)).toEqual([['web01,web02', 'web03,web04', 'web04'], []]);
    expect(await at(49)).toEqual([['web01,web02'], ['1 of 2 hosts failed, which is more than max_fail_percentage 49']]);
  });

  it('stops the others of a batch after their task when any error is fatal', async () => {
    const run = await fleet.run([fleet.play(hosts(2), (host) => (host === 'web01' ? { fail: true } : { tasks: 50, pause: 30 }), { anyErrorsFatal: true })]);
    expect(run.of('host_finished', 'web02')[0]?.status).toBe('stopped');
    expect(run.of('play_stopped')).toHaveLength(1);
  });

  it('never has more hosts at work than forks', async () => {
    let active = 0;
    let most = 0;
    await fleet.run([fleet.play(hosts(4), { pause: 300 })], {
      forks: 2,
      onEvent: (event) => {
        if (event.type === 'host_started') most = Math.max(most, (active += 1));
        if (event.type === 'host_finished') active -= 1;
      },
    });
    expect(most).toBe(2);
  });
});
