import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlannedTask, RunEvent } from '@hsmfleet/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AgentProcess } from './agent-process.ts';
import { plan, task } from './test-plan.ts';

/** The bundle itself, as a process on this machine, in a state directory of its own. */
let bundle: string;
let work: string;
let state: string;
let started: AgentProcess[] = [];

beforeAll(() => {
  bundle = mkdtempSync(join(tmpdir(), 'hsmfleet-agent-'));
  execFileSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url)), bundle], { stdio: 'ignore' });
}, 60_000);
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'hsmfleet-agent-work-'));
  state = join(work, 'state');
  return () => {
    for (const { child } of started) child.kill('SIGKILL');
    started = [];
    rmSync(work, { recursive: true, force: true });
  };
});
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

function start(node = process.execPath): AgentProcess {
  const agent = new AgentProcess(node, join(bundle, 'agent.js'), state);
  started.push(agent);
  return agent;
}

const directory = (id: string, name: string): PlannedTask => task(id, 'file', { path: join(work, name), state: 'directory' });
const slow = (id: string, seconds: number): PlannedTask => task(id, 'command', { argv: ['sleep', String(seconds)] });
const journal = (run: string): RunEvent[] =>
  readFileSync(join(state, 'runs', run, 'journal.ndjson'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as RunEvent);
const meta = (run: string) => JSON.parse(readFileSync(join(state, 'runs', run, 'meta.json'), 'utf8')) as { status: string };

const systemNode = '/usr/bin/node';
const hasSystemNode = existsSync(systemNode);
if (!hasSystemNode) process.stderr.write('skipped: the run under the system Node, for there is no /usr/bin/node\n');

describe('a session', () => {
  test.each([['this Node', process.execPath, true], ['the system Node', systemNode, hasSystemNode]])('converges under %s and changes nothing twice', async (_, node, there) => {
    if (!there) return;
    const tasks = [directory('0.t0', 'd'), task('0.t1', 'stat', { path: { $template: '{{ p }}' } }, { register: 's' }), task('0.t2', 'assert', { that: [{ $expression: 's.stat.isdir' }] })];
    for (const [run, outcome] of [['run-00000001', 'changed'], ['run-00000002', 'ok']] as const) {
      const agent = start(node);
      agent.send({ type: 'plan', plan: plan(run, tasks, { vars: { p: join(work, 'd') } }) });
      expect((await agent.frame('done')).status).toBe('ok');
      expect((await agent.event('task_finished', (event) => event.task === '0.t0')).outcome).toBe(outcome);
      agent.send({ type: 'bye' });
      expect(await agent.exited).toBe(0);
      expect(journal(run)).toEqual(agent.events);
      expect(existsSync(join(state, 'lock'))).toBe(false);
    }
  });

  test('keeps registered variables from play to play, and numbers events through', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [task('0.t0', 'set_fact', { x: 'kept' })]) });
    await agent.frame('done', ({ play }) => play === 0);
    agent.send({ type: 'plan', plan: plan('run-00000001', [task('1.t0', 'debug', { msg: { $template: '{{ x }}' } })], { play: { index: 1, name: 'second' } }) });
    await agent.frame('done', ({ play }) => play === 1);
    expect((await agent.event('task_finished', (event) => event.task === '1.t0')).message).toContain('kept');
    expect(agent.events.map((event) => event.seq)).toEqual(agent.events.map((_, index) => index));
  });

  test('asks for blobs that it lacks, once', async () => {
    const bytes = Buffer.from('hello blob\n');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const copy = task('0.t0', 'copy', { src: 'files/hello', dest: join(work, 'hello'), mode: '0600' }, {
      inputs: { src: { kind: 'blob', blob: { sha256, size: bytes.length, name: 'files/hello' } } },
    });
    const first = start();
    first.send({ type: 'plan', plan: plan('run-00000001', [copy]) });
    expect((await first.frame('need_blobs')).sha256).toEqual([sha256]);
    first.send({ type: 'blob', sha256, size: bytes.length });
    first.sendBytes(bytes.subarray(0, 4));
    first.sendBytes(bytes.subarray(4));
    expect((await first.frame('done')).status).toBe('ok');
    expect(readFileSync(join(work, 'hello'), 'utf8')).toBe('hello blob\n');
    first.send({ type: 'bye' });
    await first.exited;

    const second = start();
    second.send({ type: 'plan', plan: plan('run-00000002', [copy]) });
    await second.frame('done');
    expect(second.frames.some((frame) => frame.type === 'need_blobs')).toBe(false);
  });

  test('takes no blob with another hash, and leaves nothing of it', async () => {
    const sha256 = '0'.repeat(64);
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [task('0.t0', 'copy', { src: 'x', dest: join(work, 'x') }, { inputs: { src: { kind: 'blob', blob: { sha256, size: 3, name: 'x' } } } })]) });
    await agent.frame('need_blobs');
    agent.send({ type: 'blob', sha256, size: 3 });
    agent.sendBytes(Buffer.from('bad'));
    expect((await agent.frame('error')).error.message).toContain('another hash');
    expect(await agent.exited).toBe(0);
    expect(readdirSync(join(state, 'blobs'))).toEqual([]);
    expect(existsSync(join(work, 'x'))).toBe(false);
  });

  test('says what is wrong with a frame, and ends', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: { run: 'x' } } as never);
    expect((await agent.frame('error')).error).toMatchObject({ code: 'AGENT', message: expect.stringContaining('not valid') as string });
    expect(await agent.exited).toBe(0);
  });

  test('stops after the task that runs when it is told to', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [slow('0.t0', 0.3), directory('0.t1', 'd')]) });
    await agent.event('task_started');
    agent.send({ type: 'cancel' });
    expect((await agent.frame('done')).status).toBe('stopped');
    expect(existsSync(join(work, 'd'))).toBe(false);
  });

  test('writes no secret to its state directory', async () => {
    const secret = 'open-sesame-4711';
    const agent = start();
    agent.send({
      type: 'plan',
      plan: plan('run-00000001', [task('0.t0', 'debug', { msg: { $template: 'it is {{ pin }}' } }), task('0.t1', 'set_fact', { y: { $template: '{{ pin }}' } })], {
        vars: { pin: { $secret: 's1' } }, secrets: { s1: { value: secret, origin: 'a test' } }, user: 'tester',
      }),
    });
    await agent.frame('done');
    const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).map((name) => join(state, name)).filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(2);
    for (const path of files) expect(readFileSync(path, 'latin1'), path).not.toContain(secret);
    expect(JSON.stringify(agent.frames)).not.toContain(secret);
  });
});

describe('a connection that is cut', () => {
  test('the run finishes, and its events can be read on from the last one seen', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [directory('0.t0', 'before'), slow('0.t1', 0.5), directory('0.t2', 'after')]) });
    const seen = await agent.event('task_started', (event) => event.task === '0.t1');
    agent.cut();

    const second = start();
    second.send({ type: 'attach', run: 'run-00000001', afterSeq: seen.seq });
    expect(await second.frame('done')).toMatchObject({ play: 0, status: 'ok' });
    expect(await agent.exited).toBe(0);
    expect(existsSync(join(work, 'after'))).toBe(true);
    const before = agent.events.filter((event) => event.seq <= seen.seq);
    expect([...before, ...second.events]).toEqual(journal('run-00000001'));
  });

  test('the run stops where the plan says so', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [slow('0.t0', 0.3), directory('0.t1', 'after')], { onDisconnect: 'stop' }) });
    await agent.event('task_started');
    agent.cut();
    await agent.exited;
    expect(existsSync(join(work, 'after'))).toBe(false);
    expect(meta('run-00000001').status).toBe('stopped');
  });

  test('SIGHUP does not end a run', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [slow('0.t0', 0.3), directory('0.t1', 'after')]) });
    await agent.event('task_started');
    agent.child.kill('SIGHUP');
    expect((await agent.frame('done')).status).toBe('ok');
  });

  test('a plan that comes again is answered from the journal, never run again', async () => {
    const tasks = [task('0.t0', 'command', { argv: ['mkdir', join(work, 'once')] })];
    const first = start();
    first.send({ type: 'plan', plan: plan('run-00000001', tasks) });
    await first.frame('done');
    first.cut();
    await first.exited;
    const second = start();
    second.send({ type: 'plan', plan: plan('run-00000001', tasks) });
    expect((await second.frame('done')).status).toBe('ok');
    expect(second.events).toEqual(first.events);
  });

  test('SIGTERM ends a run after the task that it is in', async () => {
    const agent = start();
    agent.send({ type: 'plan', plan: plan('run-00000001', [slow('0.t0', 0.3), directory('0.t1', 'after')]) });
    await agent.event('task_started');
    agent.child.kill('SIGTERM');
    expect((await agent.frame('done')).status).toBe('stopped');
    expect(await agent.exited).toBe(0);
    expect(existsSync(join(state, 'lock'))).toBe(false);
  });

  test('a later play goes on with the variables of an earlier one, and numbers its events on', async () => {
    const set = [task('0.t0', 'set_fact', { x: 'kept' }), task('0.t1', 'set_fact', { y: { $template: '{{ pin }}' } })];
    const first = start();
    first.send({ type: 'plan', plan: plan('run-00000001', set, { vars: { pin: { $secret: 's1' } }, secrets: { s1: { value: 'sesame-4711', origin: 'a test' } } }) });
    await first.frame('done');
    first.cut();
    await first.exited;
    const second = start();
    second.send({ type: 'plan', plan: plan('run-00000001', [task('1.t0', 'debug', { msg: { $template: '{{ x }} {{ y is defined }}' } })], { play: { index: 1, name: 'second' } }) });
    const told = await second.event('task_finished');
    expect(told.message).toMatch(/kept false/i);
    expect(second.events[0]?.seq).toBe((first.events.at(-1)?.seq ?? 0) + 1);
  });

  test('a run that this host does not know is an error', async () => {
    const agent = start();
    agent.send({ type: 'attach', run: 'run-99999999', afterSeq: -1 });
    expect((await agent.frame('error')).error.message).toContain('knows no run');
  });
});

describe('the lock of the host', () => {
  test('a second run is told who holds it, until the first says bye', async () => {
    const first = start();
    first.send({ type: 'plan', plan: plan('run-00000001', []) });
    await first.frame('done');
    const second = start();
    second.send({ type: 'plan', plan: plan('run-00000002', []) });
    expect(await second.frame('busy')).toMatchObject({ run: 'run-00000001', user: 'tester' });
    first.send({ type: 'bye' });
    await first.exited;
    const third = start();
    third.send({ type: 'plan', plan: plan('run-00000003', []) });
    expect((await third.frame('done')).status).toBe('ok');
  });

  test('a run that was killed gives way to the next, and says so to who attaches', async () => {
    const first = start();
    first.send({ type: 'plan', plan: plan('run-00000001', [slow('0.t0', 5)]) });
    await first.event('task_started');
    first.child.kill('SIGKILL');
    await first.exited;
    expect(existsSync(join(state, 'lock'))).toBe(true);

    const attached = start();
    attached.send({ type: 'attach', run: 'run-00000001', afterSeq: -1 });
    expect((await attached.frame('error')).error.code).toBe('CONNECTION_LOST');
    expect(attached.events).toEqual(first.events);

    const next = start();
    next.send({ type: 'plan', plan: plan('run-00000002', []) });
    expect((await next.frame('done')).status).toBe('ok');
  });
});

describe('compiled code that is kept beside the agent', () => {
  /** The bundle as it lies on a host. */
  function install(): string {
    const installed = join(state, 'agent', 'x');
    cpSync(bundle, installed, { recursive: true });
    return installed;
  }
  async function run(installed: string, id: string, node = process.execPath, tasks = [directory('0.t0', 'd')]): Promise<void> {
    const agent = new AgentProcess(node, join(installed, 'agent.js'), state);
    started.push(agent);
    agent.send({ type: 'plan', plan: plan(id, tasks) });
    expect((await agent.frame('done')).status).toBe('ok');
    agent.send({ type: 'bye' });
    expect(await agent.exited).toBe(0);
  }
  const kept = (installed: string) => readFileSync(join(installed, 'compiled'));
  const parts = (installed: string) => (JSON.parse(kept(installed).toString('latin1', 0, 4096)) as { parts: string[] }).parts;

  test('is kept by the first run, used by the next, and added to when other resources are used', async () => {
    const installed = install();
    await run(installed, 'run-00000001');
    const first = kept(installed);
    expect(parts(installed)).toEqual(['file']);
    expect(statSync(join(installed, 'compiled')).mode & 0o777).toBe(0o600);
    await run(installed, 'run-00000002');
    expect(kept(installed).equals(first)).toBe(true);
    await run(installed, 'run-00000003', process.execPath, [task('0.t0', 'debug', { msg: 'x' })]);
    expect(parts(installed)).toEqual(['file', 'debug']);
    expect(readdirSync(installed).filter((name) => name.startsWith('compiled'))).toEqual(['compiled']);
  });

  test.each([
    ['another Node', (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(/"node":"v\d+/, '"node":"v19'), 'latin1')],
    ['a file that was cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1000)],
    ['an empty file', () => Buffer.alloc(0)],
  ])('is made again in place of that of %s', async (_, damage) => {
    const installed = install();
    await run(installed, 'run-00000001');
    writeFileSync(join(installed, 'compiled'), damage(kept(installed)));
    await run(installed, 'run-00000002');
    const header = JSON.parse(kept(installed).toString('latin1', 0, 4096)) as { node: string; size: number };
    expect(header).toMatchObject({ node: expect.stringContaining(process.version) as string, size: kept(installed).length });
  });

  test('is not kept outside of the state directory, nor after a run without a plan', async () => {
    await run(bundle, 'run-00000001');
    const installed = install();
    const agent = new AgentProcess(process.execPath, join(installed, 'agent.js'), state);
    agent.send({ type: 'bye' });
    expect(await agent.exited).toBe(0);
    expect([bundle, installed].map((folder) => existsSync(join(folder, 'compiled')))).toEqual([false, false]);
  });
});

test('the manifest says what is in the bundle', () => {
  const manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')) as { hash: string; files: { name: string; size: number; sha256: string }[] };
  expect(manifest.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(manifest.files.map(({ name }) => name)).toEqual(expect.arrayContaining(['agent.js', 'main.cjs', 'package.json']));
  for (const { name, size, sha256 } of manifest.files) {
    const bytes = readFileSync(join(bundle, name));
    expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([size, sha256]);
  }
  // compiled ahead of time: neither ajv's compiler nor typebox travels (words of theirs that minifying keeps)
  const text = readFileSync(join(bundle, 'main.cjs'), 'utf8');
  expect(text).toMatch(/^[\x00-\x7f]*$/);
  expect([text.includes('schema is invalid'), text.includes('TypeBox.Kind')]).toEqual([false, false]);
});

test('an old Node is told apart before it reads the bundle', () => {
  const old = join(work, 'old.cjs');
  writeFileSync(old, `Object.defineProperty(process, 'versions', { value: { node: '18.19.0' } }); require(${JSON.stringify(join(bundle, 'agent.js'))});`);
  let answer: { status: number; stdout: string } | undefined;
  try {
    execFileSync(process.execPath, [old], { encoding: 'utf8' });
  } catch (thrown) {
    answer = thrown as { status: number; stdout: string };
  }
  expect(answer?.status).toBe(87);
  expect(answer?.stdout).toMatch(/^hsmfleet-missing runtime \S+ (glibc|musl)$/m);
});
