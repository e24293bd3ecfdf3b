import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlannedMeta, PlannedStep, PlannedTask, RunEvent } from '@hsmfleet/contract';
import type { Transport } from '@hsmfleet/transport';
import { createLocalTransport } from '@hsmfleet/transport-local';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBundle, RunOptions } from './model.ts';
import { createTestFleet, type TestFleet } from './testkit/fleet.ts';

const DIST = fileURLToPath(new URL('../../../apps/agent/dist/', import.meta.url));
const built = existsSync(`${DIST}manifest.json`);
if (!built) process.stderr.write('skipped: hosts that do things for each other: apps/agent is not built\n');

function realBundle(): AgentBundle {
  const manifest = JSON.parse(readFileSync(`${DIST}manifest.json`, 'utf8')) as Pick<AgentBundle, 'version' | 'hash'> & { files: { name: string; sha256: string; size: number }[] };
  return { version: manifest.version, hash: manifest.hash, files: manifest.files.map((file) => ({ ...file, path: `${DIST}${file.name}` })), runtimes: new Map() };
}

const position = { file: 'play.yml', line: 1, column: 1 };
const task = (id: string, resource: string, params: unknown, more: Partial<PlannedTask> = {}): PlannedTask => ({ id, name: id, resource, params, position, ...more });
const command = (id: string, argv: string[], more: Partial<PlannedTask> = {}): PlannedTask => task(id, 'command', { argv }, more);
const show = (id: string, text: string): PlannedTask => task(id, 'debug', { msg: { $template: text } });

describe.skipIf(!built)('hosts that do things for each other', () => {
  let fleet: TestFleet;
  const bundle = built ? realBundle() : undefined;
  const newFleet = (): void => {
    fleet = createTestFleet(false);
    for (const host of ['a', 'b', 'c', 'other1', 'localhost']) cpSync(DIST, join(`${fleet.stateDir}-${host}`, 'agent', bundle?.hash ?? ''), { recursive: true });
  };
  beforeEach(newFleet);
  afterEach(() => { fleet.remove(); });

  /** Every "host" is this machine, with a state directory of its own. `lost`: hosts that cannot be reached. */
  function transport(lost: readonly string[] = []): Transport {
    const local = createLocalTransport();
    return {
      async connect(target) {
        if (lost.includes(target.name)) throw Object.assign(new (await import('@hsmfleet/contract')).HsmfleetError('UNREACHABLE', `no route to ${target.name}`, { host: target.name }));
        const connection = await local.connect(target);
        fleet.connections.set(target.name, [...(fleet.connections.get(target.name) ?? []), connection]);
        return { ...connection, closed: connection.closed, close: () => { connection.close(); }, exec: (commandLine, options) => connection.exec(commandLine.replaceAll(fleet.stateDir, `${fleet.stateDir}-${target.name}`), options) };
      },
    };
  }
  const run = (hosts: string[], tasks: PlannedStep[] | ((host: string) => PlannedStep[]), more: Partial<RunOptions> & { lost?: string[]; handlers?: PlannedStep[]; secrets?: Record<string, { value: string; origin: string }>; batches?: string[][] } = {}) => {
    const { lost, handlers = [], secrets = {}, batches = [hosts], ...options } = more;
    const play = fleet.play(hosts, {}, { batches, plan: (host) => ({ tasks: typeof tasks === 'function' ? tasks(host) : tasks, handlers, secrets }) });
    const moving = transport(lost);
    return fleet.run([{ ...play, delegateTarget: (name) => (name.startsWith('other') ? { name, connection: 'local' } : undefined) }], { bundle: bundle as AgentBundle, transport: () => moving, timings: { agentStart: 30_000, reattach: 2000, reattachPause: 20, cancel: 1000 }, ...options });
  };
  const messages = (events: readonly RunEvent[], id: string) => events.flatMap((event) => (event.type === 'task_finished' && event.task === id ? [`${event.host}: ${event.message ?? event.outcome}`] : [])).sort();

  it('one host runs a task for all; the others take its result and its variables, and tell nothing', async () => {
    const ran = await run(['a', 'b', 'c'], [
      command('t0', ['sh', '-c', 'echo once; echo x >> "$0"', join(fleet.directory, 'count')], { runOnce: true, register: 'r', notify: ['h'] }),
      task('t1', 'set_fact', { fact: 'shared' }, { runOnce: true }),
      show('t2', '{{ r.stdout }} {{ fact }}'),
    ], { handlers: [{ ...show('h0', 'handled'), name: 'h' }] });
    expect(ran.of('task_finished').flatMap(({ error }) => error?.message ?? [])).toEqual([]);
    expect(messages(ran.events, 't2')).toEqual(['a: once shared', 'b: once shared', 'c: once shared']);
    expect(messages(ran.events, 'h0')).toEqual(['a: handled']);
    expect(readFileSync(join(fleet.directory, 'count'), 'utf8')).toBe('x\n');
    expect(ran.counts).toMatchObject({ a: { ok: 4, changed: 1 }, b: { ok: 1, changed: 0 }, c: { ok: 1, changed: 0 } });
  });

  it('a task that fails for all is counted once, ends all, and can be rescued by all', async () => {
    const failed = await run(['a', 'b'], [command('t0', ['false'], { runOnce: true }), show('t1', 'never')]);
    expect(failed.exitCode).toBe(2);
    expect(failed.counts).toMatchObject({ a: { failed: 1, ok: 0 }, b: { failed: 0, ok: 0 } });
    expect(failed.of('play_stopped')).toHaveLength(1);
    fleet.remove();
    newFleet();
    const rescued = await run(['a', 'b'], [{ kind: 'block', id: 'b', block: [command('t0', ['false'], { runOnce: true, register: 'r' })], rescue: [show('t1', '{{ ansible_failed_result.rc }}')], always: [], position }]);
    expect(rescued.exitCode).toBe(0);
    expect(messages(rescued.events, 't1')).toEqual(['a: 1', 'b: 1']);
    expect(rescued.counts).toMatchObject({ a: { rescued: 1, failed: 0, ok: 1 }, b: { failed: 0, ok: 1 } });
  });

  it('the next host runs it when the first one ended before', async () => {
    const ran = await run(['a', 'b'], (host) => [...(host === 'a' ? [command('t0', ['false'])] : [command('t0', ['sleep', '0.3'])]), command('t1', ['echo', 'b did'], { runOnce: true, register: 'r' }), show('t2', '{{ r.stdout }}')]);
    expect(messages(ran.events, 't2')).toEqual(['b: b did']);
  });

  it('the first host decides for all whether the play ends, and further batches do not begin', async () => {
    const end = (when: string): PlannedMeta => ({ kind: 'meta', id: 'm', meta: 'end_play', when: [{ $expression: when }], position });
    const ended = await run(['a', 'b', 'c'], [end("inventory_hostname == 'a'"), show('t1', 'never')], { batches: [['a', 'b'], ['c']] });
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.of('task_finished')).toEqual([]);
    expect(ended.of('batch_started')).toHaveLength(1);
    fleet.remove();
    newFleet();
    const on = await run(['a', 'b'], [end("inventory_hostname == 'b'"), show('t1', 'on')]);
    expect(messages(on.events, 't1')).toEqual(['a: on', 'b: on']);
  });

  it('a task is done by the host that it is delegated to: one of the play, another one, the control host', async () => {
    const file = (host: string) => join(fleet.directory, `by-${host}`);
    const ran = await run(['a', 'b'], (host) => ['b', 'other1', 'localhost'].map((to, index) => command(`t${String(index)}`, ['sh', '-c', 'echo "$PLACE $0" >> "$1"; echo did', host, file(to)], {
      delegateTo: to, environment: { PLACE: to }, register: 'r', changedWhen: [{ $expression: "r.stdout == 'did'" }],
    })));
    expect(ran.exitCode).toBe(0);
    expect(ran.of('task_finished', 'a').map(({ outcome, delegatedTo }) => [outcome, delegatedTo])).toEqual([['changed', 'b'], ['changed', 'other1'], ['changed', 'localhost']]);
    expect(readFileSync(file('b'), 'utf8').split('\n').sort()).toEqual(['', 'b a', 'b b']);
    expect(readFileSync(file('other1'), 'utf8').split('\n').sort()).toEqual(['', 'other1 a', 'other1 b']);
    expect(Object.keys(ran.counts).sort()).toEqual(['a', 'b']);
    // its agent was started for that alone, once
    expect(readdirSync(`${fleet.stateDir}-other1`)).toContain('agent');
    expect(fleet.connections.get('other1')).toHaveLength(1);
  });

  it('hosts delegate to each other at the same time without waiting for ever', async () => {
    const ran = await run(['a', 'b'], (host) => [command('t0', ['sleep', '0.1'], { delegateTo: host === 'a' ? 'b' : 'a', loop: [1, 2, 3] })]);
    expect(ran).toMatchObject({ exitCode: 0, counts: { a: { changed: 1 }, b: { changed: 1 } } });
  });

  it('templates and secrets come rendered from the host that asks, and leave no trace in events and journals', async () => {
    const dest = join(fleet.directory, 'out.conf');
    const ran = await run(['a', 'b'], [task('t0', 'template', { src: 't.j2', dest, mode: '0600' }, {
      runOnce: true, delegateTo: 'other1', inputs: { src: { kind: 'template', name: 't.j2', text: { $template: 'for {{ inventory_hostname }}: {{ pass }}\n' } } }, vars: { pass: { $secret: 's1' } },
    })], { secrets: { s1: { value: 'correct-horse-battery', origin: 'pass' } } });
    expect(ran.exitCode).toBe(0);
    expect(readFileSync(dest, 'utf8')).toBe('for a: correct-horse-battery\n');
    const kept = ['a', 'b', 'other1'].flatMap((host) => readdirSync(`${fleet.stateDir}-${host}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/agent/')).map((entry) => contentsOf(join(entry.parentPath, entry.name))));
    expect(JSON.stringify(ran.events) + kept.join('')).not.toContain('correct-horse');
  });

  it('says why when the other host is not reached, not known, or must not do it', async () => {
    const one = async (more: Partial<PlannedTask>, lost: string[] = []) => {
      fleet.remove();
      newFleet();
      const ran = await run(['a'], [command('t0', ['true'], more), show('t1', 'on')], { lost });
      return { error: ran.of('task_finished')[0]?.error, ignored: ran.of('task_finished')[0]?.ignored, on: messages(ran.events, 't1') };
    };
    expect(await one({ delegateTo: 'other1' }, ['other1'])).toMatchObject({ error: { code: 'UNREACHABLE', message: 'no route to other1' }, ignored: false, on: [] });
    expect(await one({ delegateTo: 'other1', ignoreUnreachable: true }, ['other1'])).toMatchObject({ ignored: true, on: ['a: on'] });
    expect((await one({ delegateTo: 'nobody' })).error).toMatchObject({ code: 'PLAYBOOK_INVALID', message: 'nobody, to which the task is delegated, is in no hosts file', position });
    expect((await one({ delegateTo: 'other1', resource: 'pin_file', params: {} })).error).toMatchObject({ message: 'pin_file cannot be delegated: it may try a PIN, and a host proves its own' });
  });

  it('a host that is lost while it does a task for another one: told, and not done twice', async () => {
    const ran = await run(['a'], [command('t0', ['sh', '-c', 'echo x >> "$0"; sleep 2', join(fleet.directory, 'count')], { delegateTo: 'other1' })], {
      onEvent: (event) => {
        if (event.type !== 'task_started') return;
        const timer = setInterval(() => {
          if (!existsSync(join(fleet.directory, 'count'))) return;
          clearInterval(timer);
          fleet.connections.get('other1')?.at(-1)?.close();
        }, 20);
      },
    });
    expect(ran.of('task_finished')[0]?.error).toMatchObject({ code: 'CONNECTION_LOST', message: 'the connection to other1 was lost while it did a task for a: whether it was done is not known' });
    expect(readFileSync(join(fleet.directory, 'count'), 'utf8')).toBe('x\n');
  });

  it('a host that was cut off and needs the others waits for the control host, and does nothing twice', async () => {
    const count = (name: string): string => join(fleet.directory, name);
    const add = (id: string, name: string, more: Partial<PlannedTask> = {}): PlannedTask => command(id, ['sh', '-c', 'echo x >> "$0"', count(name)], more);
    const ran = await run(['a', 'b'], (host) => [
      ...(host === 'a' ? [add('t0', 'own'), command('t1', ['sleep', '1.5'])] : []), add('t2', 'once', { runOnce: true }), add('t3', `for-${host}`, { delegateTo: 'b' }), show('t4', 'end'),
    ], {
      timings: { agentStart: 30_000, reattach: 30_000, reattachPause: 1000, cancel: 1000 },
      onEvent: (event) => { if (event.type === 'task_started' && event.host === 'a' && event.task === 't1') fleet.connections.get('a')?.at(-1)?.close(); },
    });
    expect(ran.of('task_finished').flatMap(({ error }) => error?.message ?? [])).toEqual([]);
    expect(messages(ran.events, 't4')).toEqual(['a: end', 'b: end']);
    expect(['own', 'once', 'for-a', 'for-b'].map((name) => readFileSync(count(name), 'utf8'))).toEqual(['x\n', 'x\n', 'x\n', 'x\n']);
    expect(ran).toMatchObject({ exitCode: 0, counts: { a: { ok: 5, changed: 4, unreachable: 0 }, b: { ok: 2, changed: 1 } } });
  });

  it('a person confirms each task, once for all hosts', async () => {
    const asked: string[] = [];
    const answers = ['yes', 'no', 'continue'] as const;
    const ran = await run(['a', 'b'], [show('t0', 'one'), show('t1', 'two'), show('t2', 'three'), show('t3', 'four')], {
      confirm: ({ name }) => { asked.push(name); return Promise.resolve(answers[asked.length - 1] ?? 'no'); },
    });
    expect(asked).toEqual(['t0', 't1', 't2']);
    expect(ran.counts).toMatchObject({ a: { ok: 3 }, b: { ok: 3 } });
    expect(messages(ran.events, 't1')).toEqual([]);
  });

  it('any error of a task may be fatal for all; handlers may be forced', async () => {
    const ran = await run(['a', 'b'], (host) => [
      command('t0', ['true'], { notify: ['h'] }), ...(host === 'a' ? [command('t1', ['false'], { anyErrorsFatal: true })] : [command('t1', ['sleep', '2'])]), command('t2', ['true']),
    ], { handlers: [{ ...show('h0', 'forced'), name: 'h' }], forceHandlers: true });
    expect(ran.of('play_stopped')[0]?.reason).toBe('a host failed in a task of which any error is fatal (any_errors_fatal)');
    expect(messages(ran.events, 't2')).toEqual([]);
    expect(messages(ran.events, 'h0')).toEqual(['a: forced']);
  });
});

/** What is in a file; nothing of one that an agent has taken away since it was listed, as its lock. */
function contentsOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw thrown;
  }
}
