import type { PlannedBlock, PlannedInclude, PlannedMeta, PlannedStep, WireValue } from '@hsmfleet/contract';
import { describe, expect, it } from 'vitest';
import { createSession } from './host-variables.ts';
import { MemoryHost, expression, play, task, template } from './run-plan-testkit.ts';

const position = { file: 'play.yml', line: 3, column: 5 };
const block = (id: string, parts: Partial<Pick<PlannedBlock, 'block' | 'rescue' | 'always' | 'name' | 'listen'>>): PlannedBlock => ({ kind: 'block', id, block: [], rescue: [], always: [], position, ...parts });
const meta = (id: string, what: PlannedMeta['meta'], more: Partial<PlannedMeta> = {}): PlannedMeta => ({ kind: 'meta', id, meta: what, position, ...more });
const include = (id: string, what: unknown, bodies: Record<string, PlannedStep[]>, more: Partial<PlannedInclude> = {}): PlannedInclude => ({ kind: 'include', id, name: 'include', resource: 'include_tasks', what, bodies, position, ...more });
const bad = (id: string, more: Parameters<typeof task>[3] = {}) => task(id, 'act', { argv: ['false'] }, more);
const run = (id: string, word = id, more: Parameters<typeof task>[3] = {}) => task(id, 'act', { argv: [word] }, more);

describe('blocks', () => {
  it('rescue what failed, and always do the last part', async () => {
    const { status, outcomes, finished, session } = await play([
      block('b', { block: [run('a'), bad('f', { name: 'the bad one' }), run('never')], rescue: [task('r', 'say', { msg: template('{{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}') })], always: [run('l')] }),
      run('after'),
    ]);
    expect({ status, outcomes }).toEqual({ status: 'ok', outcomes: { a: 'changed', f: 'failed', r: 'ok', l: 'changed', after: 'changed' } });
    expect(finished('f')).toMatchObject({ rescued: true, ignored: false });
    expect(finished('r').message).toBe('the bad one 1');
    expect(session.vars.ansible_failed_task).toMatchObject({ name: 'the bad one', action: 'act' });
  });
  it('a failure in a block without rescue goes on to the rescue around it', async () => {
    const { status, outcomes, finished } = await play([block('o', { block: [block('i', { block: [bad('f')], always: [run('l')] })], rescue: [run('r')] })]);
    expect({ status, outcomes }).toEqual({ status: 'ok', outcomes: { f: 'failed', l: 'changed', r: 'changed' } });
    expect(finished('f').rescued).toBe(true);
  });
  it('a rescue section that fails fails the host, after the last part', async () => {
    const { status, outcomes, finished } = await play([block('b', { block: [bad('f')], rescue: [bad('r')], always: [run('l')] }), run('never')]);
    expect({ status, outcomes }).toEqual({ status: 'failed', outcomes: { f: 'failed', r: 'failed', l: 'changed' } });
    expect(finished('r').rescued).toBeUndefined();
  });
  it('a refusal is not rescued; the last part still runs', async () => {
    const { status, outcomes } = await play([block('b', { block: [task('no', 'refuse', {})], rescue: [run('never')], always: [run('l')] }), run('never2')]);
    expect({ status, outcomes }).toEqual({ status: 'refused', outcomes: { no: 'refused', l: 'changed' } });
  });
  it('what is ignored is not rescued', async () => {
    const { outcomes, finished } = await play([block('b', { block: [bad('f', { ignoreErrors: true }), run('on')], rescue: [run('never')] })]);
    expect(outcomes).toEqual({ f: 'failed, ignored', on: 'changed' });
    expect(finished('f').rescued).toBeUndefined();
  });
  it('end_host in a block skips its last part too, as in Ansible', async () => {
    const { status, outcomes } = await play([block('b', { block: [meta('m', 'end_host')], always: [run('never')] }), run('never2')]);
    expect({ status, outcomes }).toEqual({ status: 'ok', outcomes: {} });
  });
});

describe('handlers', () => {
  const handlers = [task('h1', 'say', { msg: 'first' }, { name: 'first' }), run('h2', 'h2', { name: 'second', notify: ['first'] })];
  it('run in the order of definition; one notified by a later one waits for the next flush', async () => {
    const { events } = await play(
      [run('a', 'a', { notify: ['second'] }), meta('m1', 'flush_handlers'), run('b', 'b', { notify: ['second'] }), meta('m2', 'flush_handlers', { implicit: true })],
      { handlers },
    );
    expect(events.flatMap((event) => (event.type === 'task_finished' ? [event.task] : []))).toEqual(['a', 'h2', 'b', 'h1', 'h2~2']);
  });
  it('without a flush in the plan they run at its end, each once', async () => {
    const { outcomes } = await play([run('a', 'a', { notify: ['second'] })], { handlers });
    expect(outcomes).toEqual({ a: 'changed', h2: 'changed', h1: 'ok' });
  });
  it('run on a failed host when forced to, and only then', async () => {
    const tasks = [run('a', 'a', { notify: ['first'] }), bad('f')];
    expect((await play(tasks, { handlers })).outcomes).toEqual({ a: 'changed', f: 'failed' });
    expect(await play(tasks, { handlers, forceHandlers: true })).toMatchObject({ status: 'failed', outcomes: { a: 'changed', f: 'failed', h1: 'ok' } });
  });
  it('may be blocks and includes, and are found by what they listen to or by a name that is rendered', async () => {
    const { outcomes } = await play([run('a', 'a', { notify: ['topic', template('{{ which }}')] })], {
      vars: { which: 'on h1' },
      handlers: [
        block('hb', { name: 'blocked', listen: ['topic'], block: [bad('f')], rescue: [run('r')] }),
        include('hi', 'x.yml', { 'x.yml': [run('x')] }, { name: 'included', listen: ['topic'] }),
        run('hn', 'hn', { name: 'on {{ inventory_hostname }}' }),
      ],
    });
    expect(outcomes).toEqual({ a: 'changed', f: 'failed', r: 'changed', hi: 'ok', x: 'changed', hn: 'changed' });
  });
  it('a name that turns out to be no handler fails the host', async () => {
    const { status, finished } = await play([run('a', 'a', { notify: [template('{{ "no" }}ne')] })], { handlers });
    expect(status).toBe('failed');
    expect(finished('a.notify').error?.message).toBe('no handler is called "none"');
  });
});

describe('metas', () => {
  it.each([['end_host', undefined], ['end_play', 'play'], ['end_batch', 'batch']] as const)('%s ends the play here', async (what, ends) => {
    const { status, outcomes, events } = await play([run('a', 'a', { notify: ['first'] }), meta('m', what), run('never'), meta('f', 'flush_handlers', { implicit: true })], { handlers: [task('h', 'say', { msg: '' }, { name: 'first' })] });
    expect({ status, outcomes }).toEqual({ status: 'ok', outcomes: { a: 'changed' } });
    expect(events.at(-1)).toMatchObject({ type: 'host_finished', status: 'ok' });
    expect((events.at(-1) as { ends?: string }).ends).toBe(ends);
  });
  it('do nothing when their condition is false', async () => {
    expect((await play([meta('m', 'end_host', { when: [expression('false')] }), run('a')])).outcomes).toEqual({ a: 'changed' });
  });
  it('a condition that cannot be told fails, and can be rescued', async () => {
    expect(await play([block('b', { block: [meta('m', 'end_host', { when: [expression('nothing.at.all')] })], rescue: [run('r')] })])).toMatchObject({ status: 'ok', outcomes: { m: 'failed', r: 'changed' } });
  });
  it('clear_facts forgets what was gathered, not who the host is', async () => {
    const { finished } = await play([meta('m', 'clear_facts'), task('s', 'say', { msg: template('{{ ansible_hostname is defined }} {{ inventory_hostname }}') })]);
    expect(finished('s').message).toBe('False h1');
  });
});

describe('includes', () => {
  const bodies = { 'a.yml': [task('s', 'say', { msg: template('a {{ item }}') }, { register: 'r' })], 'b.yml': [task('t', 'say', { msg: template('b {{ item }}') })] };
  it('choose a body for each item; its tasks see the item and have ids of their own', async () => {
    const { outcomes, events } = await play([include('i', template('{{ item }}.yml'), bodies, { loop: ['a', 'b', 'a'], when: [expression('item != "c"')] })]);
    expect(outcomes).toEqual({ 'i-0': 'ok', 's-0': 'ok', 'i-1': 'ok', 't-1': 'ok', 'i-2': 'ok', 's-2': 'ok' });
    expect(events.flatMap((event) => (event.type === 'task_finished' && event.resource === 'say' ? [event.message] : []))).toEqual(['a a', 'b b', 'a a']);
  });
  it('tell that nothing was included', async () => {
    expect((await play([include('i', 'a.yml', bodies, { when: [false] })])).outcomes).toEqual({ i: 'skipped' });
  });
  it('what was not sent along is a failure that names what was', async () => {
    const { status, finished } = await play([include('i', template('{{ ansible_os_family }}.yml'), bodies)]);
    expect(status).toBe('failed');
    expect(finished('i').error).toMatchObject({ code: 'FILE_MISSING', message: 'include_tasks names the file "Debian.yml", which was not sent along', hint: 'what it could be: a.yml, b.yml', position });
  });
  it('include_vars stands over variables of tasks and under what tasks set', async () => {
    const values: Record<string, WireValue> = { 'v.yml': { one: 'included', two: template('{{ one }}!'), three: 'included' } };
    const { finished } = await play([
      task('set', 'vars', { three: 'set' }), include('i', 'v.yml', {}, { resource: 'include_vars', values }),
      task('s', 'say', { msg: template('{{ one }} {{ two }} {{ three }} {{ four }}') }, { vars: { one: 'task', four: 'task' } }),
    ]);
    expect(finished('s').message).toBe('included included! set task');
  });
});

describe('variables', () => {
  it('stand in the order of the language', async () => {
    const session = createSession({ c: 'session', d: 'session', e: 'session' });
    const { finished } = await play([
      task('s', 'say', { msg: template('{{ a }} {{ b }} {{ c }} {{ d }} {{ e }}') }, { scope: 'role', vars: { b: 'task' }, top: { d: 'top', e: 'top' } }),
    ], { vars: { a: 'play', b: 'play', e: 'extra' }, scopes: { role: { a: 'role', b: 'role', c: 'role' } }, extraVars: ['e'] }, { session });
    expect(finished('s').message).toBe('role task session top extra');
  });
});

describe('tries', () => {
  it('go on until the conditions hold', async () => {
    const memory = new MemoryHost();
    let count = 0;
    const port = memory.asHost();
    const host = { ...port, execute: (...args: Parameters<typeof port.execute>) => { count += 1; return port.execute(...args); } };
    const { finished, events } = await play([run('a', 'x', { register: 'r', until: [expression('ready > 0 or r.attempts == 3')], retries: template('{{ 5 }}'), delay: 0, vars: { ready: 0 } })], {}, { memory, host });
    expect(finished('a')).toMatchObject({ outcome: 'changed', result: { attempts: 3 } });
    expect(count).toBe(3);
    expect(events.flatMap((event) => (event.type === 'progress' ? [event.message] : []))).toEqual(['FAILED - RETRYING: a (5 retries left)', 'FAILED - RETRYING: a (4 retries left)']);
  });
  it('end with a failure, and count as Ansible does', async () => {
    const { status, finished } = await play([run('a', 'x', { until: [expression('false')], retries: 2, delay: 0 })]);
    expect(status).toBe('failed');
    expect(finished('a')).toMatchObject({ error: { message: 'false did not hold after 3 tries' }, result: { attempts: 2, failed: true, changed: true } });
  });
  it('a failure that is cured by a later try is none; a refusal is tried once', async () => {
    const { outcomes, finished } = await play([
      bad('f', { register: 'r', until: [expression('r.rc == 0')], retries: 1, delay: 0, ignoreErrors: true }),
      task('no', 'refuse', {}, { until: [expression('false')], retries: 3, delay: 0 }),
    ]);
    expect(outcomes).toEqual({ f: 'failed, ignored', no: 'refused' });
    expect(finished('no').result).not.toHaveProperty('attempts');
  });
});

describe('loop controls', () => {
  it('give an index, more about the loop, and a label in place of the item', async () => {
    const { finished, events } = await play([task('s', 'say', { msg: template('{{ n }} {{ ansible_loop.last }} {{ ansible_loop.previtem | default("-") }}') }, {
      loop: [{ name: 'x', big: 1 }, { name: 'y', big: 2 }], loopControl: { indexVar: 'n', extended: true, label: template('{{ item.name }}'), pause: 0 },
    })]);
    expect(events.flatMap((event) => (event.type === 'item_finished' ? [[event.item, event.message]] : []))).toEqual([['x', '0 False -'], ['y', "1 True {'name': 'x', 'big': 1}"]]);
    expect(finished('s').result).toMatchObject({ results: [{ n: 0, ansible_index_var: 'n' }, { n: 1, item: { name: 'y' } }] });
  });
});

describe('what surrounds programs', () => {
  it('environment reaches programs of steps and never an event', async () => {
    const memory = new MemoryHost();
    const port = memory.asHost();
    const seen: unknown[] = [];
    const host = { ...port, execute: (...args: Parameters<typeof port.execute>) => { const [step] = args; seen.push(step.kind === 'run' ? step.env : undefined); return port.execute(...args); } };
    const { events } = await play([run('a', 'x', { environment: [{ A: 'one', N: 3 }, { A: template('{{ pass }}') }], loop: [1] })],
      { vars: { pass: { $secret: 's1' } }, secrets: { s1: { value: 'hunter2hunter2', origin: 'pass' } } }, { memory, host });
    expect(seen).toEqual([{ A: 'hunter2hunter2', N: '3' }]);
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });
  it('a timeout ends the task and says so', async () => {
    const memory = new MemoryHost();
    const port = memory.asHost();
    const host = { ...port, execute: async (...args: Parameters<typeof port.execute>) => { const [step] = args; expect(step).toMatchObject({ timeoutMs: expect.any(Number) as number }); await new Promise((resolve) => setTimeout(resolve, 30)); return port.execute(...args); } };
    const looking = { ...host, readText: async () => { await new Promise((resolve) => setTimeout(resolve, 30)); return undefined; } };
    expect((await play([run('a', 'x', { timeout: 5 })], {}, { memory, host: looking })).outcomes).toEqual({ a: 'changed' });
    expect((await play([run('a', 'x', { timeout: 'soon' })], {}, { memory, host: looking })).finished('a').error?.message).toBe('timeout must be a number');
  });
});

describe('errors that are fatal for all', () => {
  it('are told at the end of the play, unless they are rescued', async () => {
    const fatal = bad('f', { anyErrorsFatal: true });
    expect((await play([fatal])).events.at(-1)).toMatchObject({ status: 'failed', ends: 'fatal' });
    expect((await play([block('b', { block: [fatal], rescue: [run('r')] })])).events.at(-1)).not.toHaveProperty('ends');
  });
});
