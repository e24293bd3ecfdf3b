import { HsmfleetError } from '@hsmfleet/contract';
import { describe, expect, test } from 'vitest';
import { MemoryHost, expression, play, set, task, template } from './run-plan-testkit.ts';

describe('tasks', () => {
  test('a second run changes nothing', async () => {
    const memory = new MemoryHost();
    const tasks = [set('t0', '/a', '1'), set('t1', '/b', '2')];
    expect((await play(tasks, {}, { memory })).outcomes).toEqual({ t0: 'changed', t1: 'changed' });
    const second = await play(tasks, {}, { memory });
    expect(second.outcomes).toEqual({ t0: 'ok', t1: 'ok' });
    expect(memory.executed).toEqual(['set /a=1', 'set /b=2']);
  });

  test('events come in order and end with host_finished', async () => {
    const { events } = await play([set('t0', '/a', '1')], { gatherFacts: true });
    expect(events.map((event) => event.type)).toEqual(['facts', 'task_started', 'task_finished', 'host_finished']);
  });

  test('check mode reports the steps, runs nothing, and shows diffs', async () => {
    const { outcomes, host, finished } = await play([set('t0', '/a', '1'), set('t1', '/b', '2', { checkMode: false })], { check: true, diff: true });
    expect(outcomes).toEqual({ t0: 'changed', t1: 'changed' });
    expect(host.executed).toEqual(['set /b=2']);
    expect(finished('t0').changes).toEqual(['set /a']);
    expect(finished('t0').diffs).toEqual([{ path: '/a', note: 'absent -> 1' }]);
  });

  test('check mode skips programs and waits, unless the task says check_mode: false', async () => {
    const { outcomes, host } = await play(
      [task('t0', 'act', { argv: ['true'] }), task('t1', 'wait', {}), task('t2', 'act', { argv: ['id'] }, { checkMode: false })],
      { check: true },
    );
    expect(outcomes).toEqual({ t0: 'skipped', t1: 'skipped', t2: 'changed' });
    expect(host.executed).toEqual(['id']);
  });

  test('what still differs after the steps did not converge, and stops the host', async () => {
    const { status, finished, outcomes } = await play([set('t0', '/stuck', '1'), set('t1', '/b', '2')]);
    expect(status).toBe('failed');
    expect(outcomes).toEqual({ t0: 'failed' });
    expect(finished('t0').error).toMatchObject({ code: 'DID_NOT_CONVERGE', position: { line: 3 } });
  });

  test('a refusal ends the host as refused, and ignore_errors or failed_when cannot wave it through', async () => {
    const { status, outcomes } = await play([task('t0', 'refuse', {}, { ignoreErrors: true, failedWhen: [false] }), set('t1', '/b', '2')]);
    expect(status).toBe('refused');
    expect(outcomes).toEqual({ t0: 'refused' });
  });

  test('an abort stops after the task that runs', async () => {
    const stop = new AbortController();
    const memory = new MemoryHost();
    const { status, outcomes } = await play([set('t0', '/a', '1'), set('t1', '/b', '2')], {}, {
      memory, signal: stop.signal, ready: () => { if (memory.executed.length > 0) stop.abort(); return Promise.resolve(); },
    });
    expect([status, outcomes]).toEqual(['stopped', { t0: 'changed' }]);
  });
});

describe('conditions and results', () => {
  test('when: all must hold, later ones are not evaluated, and a skipped task registers', async () => {
    const { outcomes, session, finished } = await play([
      set('t0', '/a', '1', { when: [expression('nothing is defined'), expression('nothing.x')], register: 'r' }),
      set('t1', '/b', '1', { when: [true, expression("ansible_distribution == 'Debian'"), expression('r is skipped')] }),
    ]);
    expect(outcomes).toEqual({ t0: 'skipped', t1: 'changed' });
    expect(session.vars.r).toMatchObject({ changed: false, failed: false, skipped: true });
    expect(finished('t0').message).toContain('nothing is defined');
  });

  test('variables of -e win over what tasks set and register, not over the item and the result that is judged', async () => {
    const { session, finished, outcomes } = await play([
      task('t0', 'vars', { color: 'set', other: 'set' }),
      task('t1', 'say', { msg: template('{{ color }} {{ other }} {{ mine }}') }, { vars: { mine: 'task' } }),
      task('t2', 'act', { argv: ['id'] }, { register: 'color', changedWhen: [expression('color.rc == 1')] }),
      task('t3', 'say', { msg: template('{{ color }}') }),
      task('t4', 'say', { msg: template('{{ item }}') }, { loop: ['one'], register: 'said' }),
    ], { vars: { color: 'extra', mine: 'extra', item: 'extra', other: 'play' }, extraVars: ['color', 'mine', 'item', 'absent'] });
    expect(finished('t1').message).toBe('extra set extra');
    expect(outcomes.t2).toBe('ok');
    expect(finished('t3').message).toBe('extra');
    expect(session.vars.said).toMatchObject({ results: [{ msg: 'one' }] });
  });

  test('an undefined variable in when fails the task with its code', async () => {
    expect((await play([set('t0', '/a', '1', { when: [expression('nope')] })])).finished('t0').error?.code).toBe('UNDEFINED_VARIABLE');
  });

  test("a program's result is registered as Ansible has it", async () => {
    const { session } = await play([task('t0', 'act', { argv: ['true'] }, { register: 'r' })]);
    expect(session.vars.r).toEqual({ changed: true, failed: false, rc: 0, stdout: 'one\ntwo\n', stdout_lines: ['one', 'two'] });
  });

  test('a failed program with ignore_errors leaves its code and output behind', async () => {
    const { status, outcomes, session } = await play([
      task('t0', 'act', { argv: ['false'] }, { register: 'r', ignoreErrors: true }),
      set('t1', '/a', template('{{ r.rc }}'), { when: [expression('r is failed')] }),
    ]);
    expect([status, outcomes]).toEqual(['ok', { t0: 'failed, ignored', t1: 'changed' }]);
    expect(session.vars.r).toMatchObject({ failed: true, rc: 1, stdout: 'one\ntwo\n', stdout_lines: ['one', 'two'] });
  });

  test('changed_when and failed_when see the result under its register name', async () => {
    const { outcomes, finished } = await play([
      task('t0', 'act', { argv: ['true'] }, { register: 'r', changedWhen: [expression("'three' in r.stdout")] }),
      task('t1', 'act', { argv: ['false'] }, { register: 'r', failedWhen: [expression('r.rc > 1')] }),
      task('t2', 'act', { argv: ['true'] }, { register: 'r', changedWhen: [false], failedWhen: [expression("'two' in r.stdout")] }),
    ]);
    expect(outcomes).toEqual({ t0: 'ok', t1: 'changed', t2: 'failed' });
    expect(finished('t2').error).toMatchObject({ code: 'TASK_FAILED', message: expect.stringContaining("'two' in r.stdout") as string });
  });

  test('expressions arrive with their text and value, an undefined one without a value', async () => {
    expect((await play([task('t0', 'test', { that: [expression('1 + 1'), expression('nope')] })])).finished('t0').message).toBe('1 + 1=2 nope=undefined');
  });
});

describe('variables', () => {
  test('precedence: facts < play < task < set_fact and registered < item', async () => {
    const { host } = await play(
      [
        set('t0', '/fact', template('{{ ansible_hostname }}')),
        set('t1', '/task', template('{{ x }}'), { vars: { x: 'task' } }),
        task('t2', 'vars', { x: 'fact set' }),
        set('t3', '/set', template('{{ x }}'), { vars: { x: 'task' } }),
        set('t4', '/item', template('{{ x }}'), { loop: ['item'], loopVar: 'x' }),
      ],
      { vars: { ansible_hostname: 'from the play', x: 'play' } },
    );
    expect(Object.fromEntries(host.state)).toEqual({ '/fact': 'from the play', '/task': 'task', '/set': 'fact set', '/item': 'item' });
  });

  test('registered and set variables outlive the play', async () => {
    const first = await play([task('t0', 'vars', { x: 'kept' })]);
    const second = await play([set('t0', '/a', template('{{ x }}'))], {}, { session: first.session });
    expect(second.host.state.get('/a')).toBe('kept');
  });

  test('text of the host with braces in it is never rendered', async () => {
    const { host } = await play([task('t0', 'vars', { x: '{{ y }}' }), set('t1', '/a', template('{{ x }}'))]);
    expect(host.state.get('/a')).toBe('{{ y }}');
  });

  test("a name is rendered, and one that cannot be is shown as written", async () => {
    const { finished } = await play([set('t0', '/a', '1', { name: 'on {{ ansible_hostname }}' }), set('t1', '/b', '1', { name: 'on {{ nope }}' })]);
    expect([finished('t0').name, finished('t1').name]).toEqual(['on h1', 'on {{ nope }}']);
  });
});

describe('loops', () => {
  test('each item has its event, and the results are registered together', async () => {
    const { events, session, finished } = await play([
      set('t0', template('/{{ item.k }}'), template('{{ item.v }}'), {
        loop: [{ k: 'a', v: '1' }, { k: 'b', v: '2' }], register: 'r', when: [expression("item.k != 'b'")],
      }),
    ]);
    expect(events.filter((event) => event.type === 'item_finished').map((event) => event.outcome)).toEqual(['changed', 'skipped']);
    expect(finished('t0')).toMatchObject({ outcome: 'changed', changes: ['set /a'] });
    expect(session.vars.r).toMatchObject({
      changed: true, failed: false,
      results: [{ changed: true, item: { k: 'a', v: '1' }, ansible_loop_var: 'item' }, { skipped: true, item: { k: 'b', v: '2' } }],
    });
  });

  test('a failing item does not keep the others from running, and fails the task', async () => {
    const { status, host } = await play([task('t0', 'act', { argv: template('{{ [item] }}') }, { loop: ['false', 'true'] })]);
    expect([status, host.executed]).toEqual(['failed', ['false', 'true']]);
  });

  test('no items, or a list that is not there with a condition that says no, is skipped', async () => {
    const { outcomes } = await play([
      set('t0', '/a', '1', { loop: [] }),
      set('t1', '/a', '1', { loop: expression('nope.list'), when: [expression('nope is defined')] }),
      set('t2', '/a', '1', { loop: expression('nope.list') }),
    ]);
    expect(outcomes).toEqual({ t0: 'skipped', t1: 'skipped', t2: 'failed' });
  });
});

describe('handlers', () => {
  const handlers = [set('h0', '/h0', '1', { name: 'first' }), set('h1', '/h1', '1', { name: 'second', listen: ['web'], notify: ['third'] }), set('h2', '/h2', '1', { name: 'third' })];

  test('run once, in the order of their definition, also those that handlers notify', async () => {
    const { host } = await play([set('t0', '/a', '1', { notify: ['web', 'first'] }), set('t1', '/b', '1', { notify: ['first'] })], { handlers });
    expect(host.executed).toEqual(['set /a=1', 'set /b=1', 'set /h0=1', 'set /h1=1', 'set /h2=1']);
  });

  test('do not run without a change, nor on a host that failed', async () => {
    const memory = new MemoryHost();
    memory.state.set('/a', '1');
    expect((await play([set('t0', '/a', '1', { notify: ['first'] })], { handlers }, { memory })).host.executed).toEqual([]);
    const failed = await play([set('t0', '/b', '1', { notify: ['first'] }), task('t1', 'act', { argv: ['false'] })], { handlers });
    expect(failed.host.executed).toEqual(['set /b=1', 'false']);
  });
});

describe('the end of a play', () => {
  test('settles web changes also on a host that failed, and tells of it only when something was done', async () => {
    const memory = new MemoryHost();
    memory.settle = () => Promise.resolve(true);
    const { outcomes } = await play([task('t0', 'act', { argv: ['false'] })], {}, { memory });
    expect(outcomes).toEqual({ t0: 'failed', '0.web': 'changed' });
    expect((await play([])).outcomes).toEqual({});
  });

  test('a rollback fails the host; check mode settles nothing', async () => {
    const memory = new MemoryHost();
    memory.settle = () => Promise.reject(new HsmfleetError('WEB_ROLLED_BACK', 'the change did not serve'));
    const ran = await play([], {}, { memory });
    expect([ran.status, ran.outcomes]).toEqual(['failed', { '0.web': 'failed' }]);
    expect((await play([], { check: true }, { memory })).outcomes).toEqual({});
  });
});

describe('the start of a play', () => {
  test('a web change that cannot be put back fails the host before anything is inspected; check mode leaves it', async () => {
    const memory = new MemoryHost();
    memory.recover = () => Promise.reject(new HsmfleetError('WEB_DOWN', 'the web server does not start'));
    const ran = await play([set('t0', '/a', '1')], {}, { memory });
    expect([ran.status, ran.outcomes, memory.executed]).toEqual(['failed', { '0.prepare': 'failed' }, []]);
    expect((await play([set('t0', '/a', '1')], { check: true }, { memory })).status).toBe('ok');
  });

  test('a broken plan is a failure that counts', async () => {
    const ran = await play([], { vars: { x: { $secret: 'nowhere' } } });
    expect([ran.status, ran.finished('0.prepare').error?.code]).toEqual(['failed', 'AGENT']);
  });
});

describe('secrets', () => {
  const secrets = { s1: { value: 'sesame-open', origin: 'a variable' } };

  test('are redacted by value wherever a resource lets them out', async () => {
    const { events } = await play(
      [task('t0', 'login', { user: 'x', password: { $secret: 's1' } }), task('t1', 'login', { user: 'x', password: 'plain-word' }, { register: 'r' })],
      { secrets },
    );
    const all = JSON.stringify(events);
    expect(all).not.toContain('sesame-open');
    expect(all).not.toContain('plain-word');
    expect(all).toContain('the password is [secret]');
  });

  test('a parameter that does not keep secrets refuses one', async () => {
    const { finished } = await play([task('t0', 'login', { user: { $secret: 's1' }, password: 'x' })], { secrets });
    expect(finished('t0').error).toMatchObject({ code: 'PARAMS_INVALID', message: expect.stringContaining('login.user') as string });
  });

  test('no_log hides everything but that something happened', async () => {
    const { events, session } = await play([set('t0', '/private', 'thing', { noLog: true, loop: ['private-item'], register: 'r' })], { diff: true });
    expect(JSON.stringify(events)).not.toContain('private');
    expect(session.vars.r).toMatchObject({ changed: true });
  });
});

describe('parameters', () => {
  test('types are adapted as Ansible does, and what cannot be is an error with its place', async () => {
    const good = await play([task('t0', 'entry', { key: '/a', value: 5, port: '80' })]);
    expect(good.host.state.get('/a')).toBe('5');
    const bad = await play([task('t0', 'entry', { key: '/a', value: 'x', port: 'http' })]);
    expect(bad.finished('t0').error).toMatchObject({ code: 'PARAMS_INVALID', message: 'entry.port must be integer', position: { line: 3 } });
  });

  test('a plain value goes to the free-form parameter', async () => {
    expect((await play([task('t0', 'say', template('on {{ ansible_os_family }}'))])).finished('t0').message).toBe('on Debian');
  });

  test('a resource that this agent does not have fails the task', async () => {
    expect((await play([task('t0', 'future', {})])).finished('t0').error?.code).toBe('AGENT');
  });
});
