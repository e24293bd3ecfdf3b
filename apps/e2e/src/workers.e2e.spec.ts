import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, PIN, recap, ROOT, run, SITE, type Ended } from './fleet.ts';
import { TestDatabase } from './test-database.ts';

/* Eight hosts at least. Several workers share a run through PostgreSQL; one is killed, one has a wrong PIN, one has another project. */
const WRONG = '190356';
const HOSTS = Number(process.env.HSMFLEET_E2E_WORKER_HOSTS ?? 16);
let fleet: Fleet;
let desk: Desk;
let database: TestDatabase;
const projects: string[] = [];
const running: { child: ChildProcess; log: () => string }[] = [];

beforeAll(async () => {
  database = await TestDatabase.make('workers');
  fleet = new Fleet('wk', 11, HOSTS);
  desk = new Desk(fleet);
  desk.env.HSMFLEET_DATABASE_URL = database.url;
  // what a process keeps for itself is no part of the project
  desk.env.XDG_STATE_HOME = join(desk.folder, '.state');
  cpSync(join(ROOT, 'playbooks/site.yml'), join(desk.folder, 'site.yml'));
  cpSync(join(ROOT, 'playbooks/templates'), join(desk.folder, 'templates'), { recursive: true });
  desk.write('count.yml', [
    '- hosts: all', '  gather_facts: false', '  tasks:',
    '    - name: first', '      command: sh -c "echo first >> /root/counter; sleep 2"',
    '    - name: second', '      command: sh -c "echo second >> /root/counter; sleep 1"',
    '- hosts: all', '  gather_facts: false', '  tasks: [{ name: third, command: sh -c "echo third >> /root/counter" }]', '',
  ].join('\n'));
}, 600_000);
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ child }) => ended(child)));
});
afterAll(async () => {
  fleet.down();
  desk.remove();
  for (const project of projects) rmSync(project, { recursive: true });
  await database.drop();
});

/** Starts a worker with a copy of the project of its own, and waits until it is heard of. */
async function startWorker(name: string, ...flags: string[]): Promise<{ child: ChildProcess; log: () => string; project: string }> {
  const project = mkdtempSync(join(tmpdir(), `hsmfleet-worker-${name}-`));
  projects.push(project);
  cpSync(desk.folder, project, { recursive: true, filter: (path) => !path.startsWith(join(desk.folder, '.state')) });
  const child = spawn(join(ROOT, 'apps/cli/bin/hsmfleet'), ['worker', '--project', project, ...flags], { cwd: '/', env: { ...desk.env, XDG_STATE_HOME: join(project, '.state') }, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const log = (): string => text;
  running.push({ child, log });
  await expect.poll(log, { timeout: 30_000 }).toContain(' takes hosts of ');
  return { child, log, project };
}

/** Ends a worker the friendly way, unless it is gone. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** What the counters on all hosts hold, line by line. */
async function counters(): Promise<string[][]> {
  return Promise.all(fleet.hosts.map(async (host) => (await fleet.exec(host, 'sh', '-c', 'cat /root/counter 2>/dev/null; true')).stdout.trim().split('\n').filter((line) => line !== '')));
}

describe('two workers and one PostgreSQL', () => {
  test('one of them killed in the middle: nothing is lost, nothing is done twice', async () => {
    // a quarter of the hosts at once: whoever is killed early holds some, however late this process hears of what is done
    const few = ['--forks', String(HOSTS / 4)];
    const [first, second] = [await startWorker('a', ...few), await startWorker('b', ...few)];
    const applying = desk.start('apply', 'count.yml', '-i', 'hosts.yml', '--workers', '--json');
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) applying[name]?.on('data', (chunk: Buffer) => { output[name] += chunk.toString(); });
    const code = new Promise<number | null>((resolve) => applying.once('close', resolve));
    // some hosts are through with the first task, none with the play
    await expect.poll(() => output.stdout.match(/"type":"task_finished","task":"0\.t0"/g)?.length ?? 0, { timeout: 120_000, interval: 20 }).toBeGreaterThan(HOSTS / 4);
    first.child.kill('SIGKILL');
    const result = { code: await code, ...output };
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(second.log()).toMatch(/taking over 1 hosts from a worker that is gone/);
    expect(await counters()).toEqual(fleet.hosts.map(() => ['first', 'second', 'third']));

    const told = events(result.stdout);
    for (const host of fleet.hosts) {
      const own = told.filter((event) => event.host === host);
      expect(own.filter(({ type }) => type === 'task_finished').map(({ task, outcome }) => `${String(task)} ${String(outcome)}`)).toEqual(['0.t0 changed', '0.t1 changed', '1.t0 changed']);
      expect(own.filter(({ type }) => type === 'host_finished').map(({ play, status }) => `${String(play)} ${String(status)}`)).toEqual(['0 ok', '1 ok']);
      expect(new Set(own.map(({ seq }) => seq)).size).toBe(own.length);
    }
    expect(told.at(-1)).toMatchObject({ type: 'run_finished', exitCode: 0, counts: Object.fromEntries(fleet.hosts.map((host) => [host, expect.objectContaining({ ok: 3, changed: 3, failed: 0, unreachable: 0 })])) });
    const stored = await desk.hsmfleet('query', "select count(*) as n, sum(changed) as changed from runs where status = 'ok'", '--format', 'csv');
    expect(stored.stdout, stored.stderr).toContain(`${String(HOSTS)},${String(3 * HOSTS)}`);
    // each host has one journal of the run, which ended well
    const journals = await Promise.all(fleet.hosts.map((host) => fleet.must(host, 'sh', '-c', 'cat /var/lib/hsmfleet/runs/*/meta.json')));
    expect(journals.map((text) => (JSON.parse(text) as { status: string }).status)).toEqual(fleet.hosts.map(() => 'ok'));
  });

  test('a wrong PIN is tried on one host of all, whichever worker has it', async () => {
    desk.pin(WRONG);
    const workers = [await startWorker('c'), await startWorker('d')];
    // tokens of their own: after a wrong PIN a token refuses until somebody looked at it
    const result = await site('web05,web06,web07,web08');
    desk.pin(PIN);
    expect(result.code).toBe(2);
    const failures = events(result.stdout).filter((event) => event.type === 'task_finished' && (event.outcome === 'failed' || event.outcome === 'refused')).map((event) => (event.error as { code: string }).code);
    expect(failures.filter((code) => code === 'PIN_INCORRECT')).toHaveLength(1);
    expect(failures.filter((code) => code === 'PIN_REFUSED')).toHaveLength(3);
    for (const text of [result.stdout, result.stderr, ...workers.map(({ log }) => log()), await database.dump()]) expect(text).not.toContain(WRONG);
  });

  test('a rollout ends as it does without workers; the PIN is nowhere in the database', async () => {
    await startWorker('e');
    await startWorker('f');
    const result = await site('web01,web02,web03,web04');
    expect(result, result.stdout + result.stderr).toMatchObject({ code: 0 });
    const again = await desk.apply('site.yml', '-l', 'web01,web02,web03,web04');
    expect(recap(again.stdout), again.stderr).toEqual(Object.fromEntries(['web01', 'web02', 'web03', 'web04'].map((host) => [host, expect.objectContaining({ changed: 0, failed: 0 })])));
    expect(await database.dump()).not.toContain(PIN);
  });

  test('a worker with another project is refused by name, and notices when it has the same', async () => {
    const { project, log } = await startWorker('g');
    appendFileSync(join(desk.folder, 'count.yml'), '# changed\n');
    const refused = await desk.apply('count.yml', '--workers', '-l', 'web01');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/no worker has this project as it is here; running: \S+ \(.*: the folder differs\)/);
    cpSync(join(desk.folder, 'count.yml'), join(project, 'count.yml'));
    await expect.poll(log, { timeout: 20_000 }).toContain('the project folder changed');
    expect(await desk.apply('count.yml', '--workers', '-l', 'web01')).toMatchObject({ code: 0 });
    writeFileSync(join(desk.folder, '../outside.yml'), '- hosts: all\n');
    expect(await desk.apply('../outside.yml', '--workers')).toMatchObject({ code: 1, stderr: expect.stringContaining('lies outside of the project folder') });
  });
});

function site(limit: string): Promise<Ended> {
  return desk.apply('site.yml', '--workers', '--json', '-l', limit);
}

test('without PostgreSQL, or without workers, it says so', async () => {
  const { HSMFLEET_DATABASE_URL, ...without } = desk.env;
  expect(HSMFLEET_DATABASE_URL).toBeDefined();
  const program = join(ROOT, 'apps/cli/bin/hsmfleet');
  expect(await run([program, 'apply', SITE, '-i', 'hosts.yml', '--workers'], { cwd: desk.folder, env: without })).toMatchObject({ code: 1, stderr: expect.stringContaining('workers need a PostgreSQL database') });
  expect(await desk.apply('count.yml', '--workers')).toMatchObject({ code: 1, stderr: expect.stringContaining('no worker is running') });
});
