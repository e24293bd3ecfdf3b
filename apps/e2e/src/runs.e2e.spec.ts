import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutOf, cutRun } from './cut-runs.ts';
import { Desk, events, Fleet, recap, SITE } from './fleet.ts';
import { servedKey } from './requests.ts';

/* Runs whose network is cut, whose processes are killed, that are stopped from elsewhere, and batches that go back. */
let fleet: Fleet;
let desk: Desk;

beforeAll(() => {
  fleet = new Fleet('ru', 14, 4);
  // a lost connection is noticed within three seconds instead of 45
  desk = new Desk(fleet, { ansible_ssh_extra_args: '-o ServerAliveInterval=1 -o ServerAliveCountMax=2' });
  desk.write('count.yml', [
    '- hosts: all', '  gather_facts: false', '  tasks:',
    '    - { name: first, command: sh -c "echo first >> /root/counter", register: kept, notify: late }',
    // it ends when a test lets it
    '    - name: second', '      command:', `        argv: [sh, -c, 'echo second >> /root/counter; n=0; while [ ! -e /root/go ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done']`,
    '    - name: third', '      command: sh -c "echo third {{ kept.rc }} {{ word }} >> /root/counter"',
    '  handlers: [{ name: late, command: sh -c "echo late >> /root/counter" }]',
    '- hosts: all', '  gather_facts: false', '  tasks: [{ name: last, command: sh -c "echo last >> /root/counter" }]', '',
  ].join('\n'));
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

async function counted(host: string): Promise<string[]> {
  return (await fleet.exec(host, 'cat', '/root/counter')).stdout.trim().split('\n');
}

/** Starts the counting playbook and waits until a host is in its second task. */
async function startCounting(host: string, limit: string): Promise<ReturnType<Desk['start']>> {
  for (const each of fleet.hosts) await fleet.exec(each, 'rm', '-f', '/root/counter', '/root/go');
  const started = desk.start('apply', 'count.yml', '-i', 'hosts.yml', '-l', limit, '-e', 'word=hello');
  await expect.poll(() => counted(host), { timeout: 30_000, interval: 50 }).toContain('second');
  return started;
}

/** Lets the second task end. */
async function letGo(...hosts: string[]): Promise<void> {
  for (const host of hosts) await fleet.must(host, 'touch', '/root/go');
}

const EXPECTED = ['first', 'second', 'third 0 hello', 'late', 'last'];

test('cuts of the network at any moment: no task runs twice, none is lost, and recap, history and journals agree', async () => {
  const runs = await Promise.all(fleet.hosts.map(async (host, lane) => {
    const results = [];
    for (let turn = 0; turn < 3; turn += 1) results.push(await cutRun(fleet, desk, cutOf(100 + lane * 3 + turn, [host], [300, 1_000, 5_000], 4_000), 0.1));
    return results;
  }));
  expect(runs.flat().flatMap(({ seed, problems }) => problems.map((text) => `seed ${String(seed)}: ${text}`))).toEqual([]);
}, 240_000);

describe('a run whose control process is killed', () => {
  test('is taken up again, and the values of -e are asked for', async () => {
    const started = await startCounting('web01', 'web01,web02');
    started.kill('SIGKILL');
    await sleep(200);
    expect((await desk.hsmfleet('runs')).stdout).toMatch(/count\.yml .*cut off/);
    expect(await desk.hsmfleet('apply', '--resume', 'last')).toMatchObject({ code: 1, stderr: expect.stringContaining('was given word with -e, and values of the command line are not kept') });
    await letGo('web01', 'web02');
    const resumed = await desk.hsmfleet('apply', '--resume', 'last', '-e', 'word=hello');
    expect(recap(resumed.stdout), resumed.stdout + resumed.stderr).toEqual(Object.fromEntries(['web01', 'web02'].map((host) => [host, expect.objectContaining({ changed: 5, failed: 0, unreachable: 0 })])));
    for (const host of ['web01', 'web02']) expect(await counted(host)).toEqual(EXPECTED);
    expect((await desk.hsmfleet('runs', 'show', 'last')).stdout).toMatch(/taken up +1 time[^]*web01 +ok +5 +5/);
    expect((await desk.hsmfleet('runs', 'diff', 'last')).stderr).toContain('came to the same on all hosts');
  });

  test('and whose agent is killed in a command: that host fails, and is run again when a person says so', async () => {
    const started = await startCounting('web03', 'web03');
    started.kill('SIGKILL');
    const agent = (await fleet.exec('web03', 'pgrep', '-f', '[a]gent.js serve')).stdout.trim().split('\n');
    for (const pid of agent) await fleet.exec('web03', 'kill', '-9', pid);
    await letGo('web03');
    const resumed = await desk.hsmfleet('apply', '--resume', 'last', '-e', 'word=hello', '--json');
    expect(resumed.code).toBe(2);
    expect(events(resumed.stdout).find((event) => event.outcome === 'failed')).toMatchObject({ name: 'second', error: { code: 'TASK_INTERRUPTED' } });
    expect(await counted('web03')).toEqual(['first', 'second']);
    const retried = await desk.hsmfleet('apply', '--retry', 'last', '-e', 'word=hello');
    expect(retried, retried.stdout + retried.stderr).toMatchObject({ code: 0 });
    expect(await counted('web03')).toEqual(['first', 'second', ...EXPECTED]);
  });

  test('is stopped from elsewhere, and goes on where it was stopped', async () => {
    const started = await startCounting('web04', 'web04');
    started.kill('SIGKILL');
    const cancelling = desk.hsmfleet('runs', 'cancel', 'last', '--reason', 'wrong certificate');
    await expect.poll(async () => (await fleet.exec('web04', 'sh', '-c', 'cat /var/lib/hsmfleet/runs/*/cancel.json')).stdout, { timeout: 30_000 }).toContain('wrong certificate');
    await letGo('web04');
    const cancelled = await cancelling;
    expect(cancelled, cancelled.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('web04: stopped') });
    expect(await counted('web04')).toEqual(['first', 'second']);
    expect((await desk.hsmfleet('runs', 'log', 'last')).stdout).toMatch(/stopped by \S+: wrong certificate/);
    expect(await desk.hsmfleet('apply', '--resume', 'last', '-e', 'word=hello')).toMatchObject({ code: 0 });
    expect(await counted('web04')).toEqual(EXPECTED);
  });
});

test('a run that goes on is stopped by a note to its process; a changed playbook is not taken up', async () => {
  const started = await startCounting('web01', 'web01');
  const ended = new Promise<number | null>((resolve) => started.once('close', resolve));
  expect(await desk.hsmfleet('apply', '--resume', 'last', '-e', 'word=hello')).toMatchObject({ code: 1, stderr: expect.stringContaining('is still under way') });
  let said = '';
  started.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const cancelling = desk.hsmfleet('runs', 'cancel', 'last');
  await expect.poll(() => said, { timeout: 30_000 }).toContain('every host ends its current task');
  await letGo('web01');
  expect(await cancelling).toMatchObject({ code: 0 });
  expect(await ended).toBe(130);
  expect(await desk.hsmfleet('apply', '--resume', 'last', '-e', 'word=other')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be taken up again: the play "all" is not what it was') });
});

describe('batches', () => {
  const site = (extra: string, more: string): string => [
    '- name: another key', '  hosts: webservers', `  ${more}`, '  tasks:', '    - name: site', '      tls_site:',
    '        { name: hsmfleet, server_name: "{{ server_name }}", engine: mod_ssl, module: { path: "{{ hsm_module }}", env: "{{ hsm_module_env }}" }, token: "{{ hsm_token }}",',
    `          key_id: "02", pin: "{{ token_pin }}", pin_file: /etc/hsmfleet/web.pin, document_root: /var/www/hsmfleet, extra: ${extra} }`, '',
  ].join('\n');
  const keyOf = (host: string): Promise<unknown> => servedKey(fleet.address(host), `${host}.fleet.test`);

  test('of which one site does not serve go back to what they served; the next batch is not begun', async () => {
    expect(await desk.apply(SITE, '-l', 'web01,web02,web03')).toMatchObject({ code: 0 });
    const before = await Promise.all(['web01', 'web02', 'web03'].map(keyOf));
    desk.write('change.yml', site(`"{{ ['SSLProtocol -all +TLSv1', 'SSLCipherSuite DES-CBC3-SHA'] if inventory_hostname == 'web02' else [] }}"`, 'serial: 2\n  rollback_batch: true'));
    const changed = await desk.apply('change.yml', '-l', 'web01,web02,web03', '--json');
    expect(changed.code).toBe(2);
    const failures = events(changed.stdout).filter((event) => event.type === 'task_finished' && event.outcome === 'failed');
    expect(failures).toMatchObject([{ host: 'web02', error: { code: 'WEB_ROLLED_BACK' } }, { host: 'web01', error: { code: 'WEB_BATCH_ROLLED_BACK' } }]);
    expect(events(changed.stdout).find(({ type }) => type === 'play_stopped')?.reason).toBe('the batch was put back: web02 of the same batch did not serve');
    expect(await Promise.all(['web01', 'web02', 'web03'].map(keyOf))).toEqual(before);
    expect((await fleet.exec('web01', 'ls', '/var/lib/hsmfleet/web')).stdout).not.toContain('undo');
  });

  test('that serve keep nothing to go back to; a pause waits between them, and a question needs somebody', async () => {
    desk.write('good.yml', site('[]', 'serial: 1\n  rollback_batch: true\n  serial_pause: { seconds: 1, prompt: go on?, after: first }'));
    expect(await desk.apply('good.yml', '-l', 'web01,web03')).toMatchObject({ code: 1, stderr: expect.stringContaining('and nobody is at a terminal') });
    const before = await keyOf('web01');
    const good = await desk.apply('good.yml', '-l', 'web01,web03', '--yes');
    expect(good, good.stdout + good.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('waiting 1 s before batch 2 of 2') });
    expect(await keyOf('web01')).not.toEqual(before);
    for (const host of ['web01', 'web03']) expect((await fleet.exec(host, 'ls', '/var/lib/hsmfleet/web')).stdout).not.toContain('undo');
  });
});
