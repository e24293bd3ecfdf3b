import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateChange } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Desk, Fleet } from './fleet.ts';

/* `hsmfleet serve`: a schedule, what it finds in the API, in metrics and at a webhook, and what becomes of it when it is killed. */
const HOOK_KEY = 'k3y-of-the-hook';
let fleet: Fleet;
let desk: Desk;
let hook: Hook;
let token: string;
let hash: string;
let serving: Serving;

/** A receiver of notifications. It takes what is signed, and remembers it. */
class Hook {
  readonly messages: { id: string; changes: (StateChange & { id: string })[] }[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void (async () => {
        let body = '';
        for await (const part of request) body += String(part);
        const signature = createHmac('sha256', HOOK_KEY).update(`${String(request.headers['hsmfleet-timestamp'])}.${body}`).digest('hex');
        const genuine = request.headers['hsmfleet-signature'] === `sha256=${signature}`;
        if (genuine) this.messages.push({ ...(JSON.parse(body) as Hook['messages'][number]), id: String(request.headers['idempotency-key']) });
        response.writeHead(genuine ? 204 : 403).end();
      })();
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/hook`;
  }

  close(): void {
    this.#server.close();
  }

  /** `finding web01` for every change, one that came again with the same id once. */
  told(): string[] {
    return [...new Map(this.messages.flatMap(({ changes }) => changes).map((change) => [change.id, `${change.kind} ${change.host ?? change.key}`])).values()];
  }
}

/** A server that runs. */
class Serving {
  readonly process: ChildProcess;
  log = '';
  #url: string | undefined;

  constructor() {
    this.process = desk.start('serve', '-c', 'serve.yml');
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.on('data', (part: Buffer) => { this.log += part.toString(); });
  }

  async ready(): Promise<void> {
    await until(() => this.log.includes(' ready') || this.process.exitCode !== null, 'the server is ready', () => this.log);
    this.#url = /url=(\S+)/.exec(this.log)?.[1];
    expect(this.#url, this.log).toBeDefined();
  }

  async get(path: string): Promise<string> {
    const response = await fetch(`${this.#url ?? ''}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return text;
  }

  async json<T>(path: string): Promise<T> {
    return JSON.parse(await this.get(`/api/v1${path}`)) as T;
  }

  /** Value of a series whose line has all these texts. */
  async metric(name: string, ...labels: string[]): Promise<number | undefined> {
    const line = (await this.get('/metrics')).split('\n').find((each) => (each.startsWith(`${name}{`) || each.startsWith(`${name} `)) && labels.every((label) => each.includes(label)));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  lines(text: string): string[] {
    return this.log.split('\n').filter((line) => line.includes(text));
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
    return this.process.exitCode;
  }
}

async function until(holds: () => boolean | Promise<boolean>, what: string, more: () => string = () => ''): Promise<void> {
  await vi.waitFor(async () => { if (!(await holds())) throw new Error(`${what}: not yet\n${more()}`); }, { timeout: 45_000, interval: 150 });
}

/** What the file of the server says; every three seconds rather than every minute, so that the test is short. */
function writeServeFile(cron = '*/3 * * * * *', stopAfter = '10s'): void {
  desk.write('serve.yml', [
    'listen: 127.0.0.1:0', `users: [{ name: anna, role: operator, token: "${hash}" }]`, 'hosts: [hosts.yml]', `stop_after: ${stopAfter}`,
    'notify:', `  webhook: [{ name: hook, url: "${hookUrl}", secret: !secret file:secrets/hook, interval: 0 }]`,
    'schedules:', '  - name: steady', `    cron: "${cron}"`, '    profile: profile.yml', '    timeout: 60s',
  ].join('\n'));
}
let hookUrl: string;

/** Outcomes of the control as the dashboard has them. */
async function outcomes(): Promise<Record<string, number> | undefined> {
  const { items } = await serving.json<{ items: { control: { id: string }; counts: Record<string, number> }[] }>('/controls');
  return items.find(({ control }) => control.id === 'motd-mode')?.counts;
}

const inMetrics = (outcome: string): Promise<number | undefined> => serving.metric('hsmfleet_control_hosts', 'control="motd-mode"', `outcome="${outcome}"`);

beforeAll(async () => {
  fleet = new Fleet('sv', 10, 2);
  desk = new Desk(fleet);
  hook = new Hook();
  hookUrl = await hook.listen();
  writeFileSync(join(desk.folder, 'secrets/hook'), `${HOOK_KEY}\n`, { mode: 0o600 });
  desk.write('motd.yml', '- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Everybody may read the message of the day\n      file: { path: /etc/motd, mode: "0644" }\n');
  desk.write('profile.yml', [
    'profile: steady', 'title: Two things that are as they should be', 'controls:',
    '  - { id: motd-mode, title: everybody may read the message of the day, why: it is for everybody, severity: medium, playbook: motd.yml }',
    '  - { id: debian, title: hosts are Debian, why: nothing else is tested, severity: low, query: "select host, distribution from hosts where distribution <> \'Debian\'" }',
  ].join('\n'));
  const made = await desk.hsmfleet('serve-token', 'anna', '--role', 'operator');
  expect(made, made.stderr).toMatchObject({ code: 0 });
  token = made.stdout.trim();
  hash = /token: "([^"]+)"/.exec(made.stderr)?.[1] ?? '';
  writeServeFile();
});
afterAll(async () => {
  if (serving?.process.exitCode === null) await serving.end('SIGKILL');
  hook?.close();
  fleet?.down();
  desk?.remove();
});

describe('a server with a schedule', () => {
  test('says beforehand what it would do', async () => {
    const checked = await desk.hsmfleet('serve', '-c', 'serve.yml', '--check-config');
    expect(checked, checked.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^steady +\S+ \* \* \* \* \* +UTC +\S+Z +2 /m) });
  });

  test('checks its hosts, and shows that all is well', async () => {
    serving = new Serving();
    await serving.ready();
    await until(async () => (await inMetrics('pass')) === 2, 'both hosts pass', () => serving.log);
    expect(await outcomes()).toMatchObject({ pass: 2, fail: 0 });
    expect(await serving.metric('hsmfleet_schedule_last_success_timestamp_seconds', 'schedule="steady"')).toBeGreaterThan(Date.now() / 1_000 - 60);
    expect(hook.messages).toEqual([]);
  });

  test('is the only one of its store', async () => {
    const second = await desk.hsmfleet('serve', '-c', 'serve.yml');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`already (process ${String(serving.process.pid)}, since `);
  });

  test('shows a sabotage in the API and in metrics, and tells of it once', async () => {
    await fleet.must('web01', 'chmod', '600', '/etc/motd');
    await until(async () => (await inMetrics('fail')) === 1, 'metrics have the finding', () => serving.log);
    expect(await outcomes()).toMatchObject({ pass: 1, fail: 1 });
    expect(await serving.json('/overview')).toBeDefined();
    await until(() => hook.messages.length === 1, 'the webhook is told', () => serving.log);
    expect(hook.messages[0]?.changes).toMatchObject([{ kind: 'finding', host: 'web01', control: 'motd-mode', schedule: 'steady', severity: 'medium' }]);
    const before = serving.lines('finished').length;
    await until(() => serving.lines('finished').length >= before + 2, 'two more checks', () => serving.log);
    expect(hook.told()).toEqual(['finding web01']);
  });

  test('shows and tells that it was repaired', async () => {
    await fleet.must('web01', 'chmod', '644', '/etc/motd');
    await until(async () => (await inMetrics('fail')) === 0, 'metrics have no finding', () => serving.log);
    expect(await outcomes()).toMatchObject({ pass: 2, fail: 0 });
    await until(() => hook.told().length === 2, 'the webhook is told', () => serving.log);
    expect(hook.told()).toEqual(['finding web01', 'resolved web01']);
    const [found, resolved] = hook.messages.flatMap(({ changes }) => changes);
    expect(resolved?.key).toBe(found?.key);
  });

  test('keeps to its file when a change of it is wrong, and says so everywhere', async () => {
    writeServeFile('*/3 * * * 61 *');
    await until(() => serving.log.includes('is not taken'), 'the log says so', () => serving.log);
    expect(serving.lines('is not taken')[0]).toMatch(/no cron expression.* at=\S*serve\.yml:9:\d+/);
    expect(await serving.metric('hsmfleet_config_last_reload_successful')).toBe(0);
    expect((await serving.json<{ problem: string }>('/schedules')).problem).toContain('is no cron expression');
    const before = serving.lines('finished').length;
    await until(() => serving.lines('finished').length > before, 'checks go on', () => serving.log);
    writeServeFile();
    serving.process.kill('SIGHUP');
    await until(async () => (await serving.metric('hsmfleet_config_last_reload_successful')) === 1, 'it is taken', () => serving.log);
    expect((await serving.json<{ problem: string | null }>('/schedules')).problem).toBeNull();
  });
});

describe('a server that is killed in the middle of a check', () => {
  test('tells of it when it is back, performs it again under its id, and loses and doubles nothing', async () => {
    await fleet.must('web02', 'chmod', '600', '/etc/motd');
    const before = serving.lines(' started ').length;
    await until(() => serving.lines(' started ').length > before, 'a check begins', () => serving.log);
    // an agent is at it
    while ((await fleet.exec('web01', 'test', '-e', '/var/lib/hsmfleet/lock')).code !== 0) expect(serving.lines(' started ').length).toBe(before + 1);
    await serving.end('SIGKILL');
    const killed = /run=(\S+)/.exec(serving.lines(' started ').at(-1) ?? '')?.[1] ?? 'none';
    expect(serving.lines(`run=${killed}`).some((line) => line.includes('finished')), 'the kill came too late').toBe(false);
    serving = new Serving();
    await serving.ready();
    await until(() => serving.lines('finished').length >= 2, 'checks go on', () => serving.log);
    expect(serving.lines('was cut off')).toEqual([expect.stringContaining(`schedule=steady run=${killed}`)]);
    expect(serving.lines(' started ')[0]).toContain(`run=${killed} reason="cut off"`);
    expect(serving.lines('finished')[0]).toContain(`run=${killed} outcome=findings`);
    expect(await serving.metric('hsmfleet_schedule_runs_total', 'outcome="cut off"')).toBe(1);
    await until(() => hook.told().length === 3, 'the webhook is told', () => serving.log);
    expect(hook.told()).toEqual(['finding web01', 'resolved web01', 'finding web02']);
    const { items } = await serving.json<{ items: { id: string; counts: Record<string, number> }[] }>('/checks');
    expect(items.filter(({ id }) => id === killed)).toMatchObject([{ counts: { pass: 3, fail: 1, error: 0, unreachable: 0 } }]);
  });

  test('left no lock on a host, and no run that never ended', async () => {
    await until(async () => (await fleet.exec('web01', 'test', '-e', '/var/lib/hsmfleet/lock')).code !== 0, 'no lock');
    const { stdout } = await desk.hsmfleet('query', '--format', 'csv', 'select count(*) from runs where finished_at is null and started_at < (select max(started_at) from checks)');
    expect(stdout.trim().split('\n').at(-1)).toBe('0');
  });
});

describe('a server that is told to end', () => {
  test('finishes what it is at, and leaves nothing to make up for', async () => {
    const before = serving.lines(' started ').length;
    await until(() => serving.lines(' started ').length > before, 'a check begins', () => serving.log);
    expect(await serving.end('SIGTERM')).toBe(0);
    const last = /run=(\S+)/.exec(serving.lines(' started ').at(-1) ?? '')?.[1] ?? 'none';
    expect(serving.lines('finished').at(-1)).toContain(`run=${last} outcome=findings`);
    expect(serving.log.trimEnd().split('\n').at(-1)).toContain(' ended');
  });

  test('and is in a hurry lets hosts end their task, and makes up for the check when it is back', async () => {
    writeServeFile(undefined, '0s');
    serving = new Serving();
    await serving.ready();
    await until(() => serving.lines(' started ').length > 0, 'a check begins', () => serving.log);
    while ((await fleet.exec('web02', 'test', '-e', '/var/lib/hsmfleet/lock')).code !== 0) expect(serving.process.exitCode).toBeNull();
    const asked = Date.now();
    expect(await serving.end('SIGTERM')).toBe(0);
    expect(Date.now() - asked).toBeLessThan(30_000);
    expect(serving.lines('finished').at(-1)).toContain('outcome=stopped');
    for (const host of fleet.hosts) expect((await fleet.exec(host, 'test', '-e', '/var/lib/hsmfleet/lock')).code, `${host} is not held any more`).not.toBe(0);
    serving = new Serving();
    await serving.ready();
    await until(() => serving.lines('finished').length > 0, 'the check is made up for', () => serving.log);
    expect(serving.lines(' started ')[0]).toContain('reason=stopped');
    expect(serving.lines('finished')[0]).toContain('outcome=findings');
    expect(await serving.end('SIGTERM')).toBe(0);
    // nothing has changed since the webhook was told of web02
    expect(hook.told()).toHaveLength(3);
  });

  test('never accepts a host key: a host that shows another is unreachable, and nothing is written', async () => {
    const known = desk.write('nobody-known', '');
    mkdirSync(join(desk.folder, 'host_vars'));
    desk.write('host_vars/web02.yml', `ansible_ssh_common_args: -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=${known}\n`);
    writeServeFile();
    serving = new Serving();
    await serving.ready();
    await until(async () => (await inMetrics('unreachable')) === 1, 'the host is unreachable', () => serving.log);
    expect(await outcomes()).toMatchObject({ pass: 1, unreachable: 1 });
    const run = /run=(\S+)/.exec(serving.lines('finished')[0] ?? '')?.[1] ?? 'none';
    const shown = await desk.hsmfleet('runs', 'show', run, '--host', 'web02');
    expect(shown.stdout, shown.stderr).toMatch(/not in known_hosts/);
    expect(readFileSync(known, 'utf8')).toBe('');
    expect(await serving.end('SIGTERM')).toBe(0);
  });

  test('has told no secret to anybody', () => {
    const store = readFileSync(join(desk.folder, 'state/hsmfleet/hsmfleet.db'), 'latin1');
    for (const secret of [HOOK_KEY, token]) {
      expect(serving.log).not.toContain(secret);
      expect(store).not.toContain(secret);
    }
  });
});
