import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HsmfleetError} from '@hsmfleet/contract';
import { HsmfleetErrors } from '@hsmfleet/contract';
import { createToken } from '@hsmfleet/web-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadServeConfiguration, type ServeConfiguration } from './serve-configuration.ts';

const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-serve-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
let user: string;

beforeAll(async () => {
  user = `users: [{name: anna, role: operator, token: "${(await createToken('anna')).hash}"}]`;
  mkdirSync(join(folder, 'profiles'));
  writeFileSync(join(folder, 'hosts.yml'), 'webservers: {hosts: {web01: {}, web02: {}}}\nothers: {hosts: {db01: {}}}\n');
  writeFileSync(join(folder, 'profiles/web.yml'), [
    'profile: web', 'title: t', 'controls:', '  - id: no-weak-keys', '    title: t', '    why: w', '    severity: high', '    query: select host from keys where bits < 2048',
  ].join('\n'));
  writeFileSync(join(folder, 'profiles/bad.yml'), 'profile: bad\ntitle: t\ncontrols:\n  - id: x\n');
  writeFileSync(join(folder, 'site.yml'), '- hosts: all\n  tasks: []\n');
});

function load(...lines: string[]): Promise<ServeConfiguration> {
  const file = join(folder, 'serve.yml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return loadServeConfiguration(file);
}

/** `line: message` of every mistake. */
async function mistakes(...lines: string[]): Promise<string[]> {
  const thrown: unknown = await load(...lines).then(() => undefined, (error: unknown) => error);
  const errors = thrown instanceof HsmfleetErrors ? thrown.errors : [thrown as HsmfleetError];
  return errors.map(({ position, message }) => `${String(position?.line)}: ${message}`);
}

const NIGHTLY = ['  - name: nightly', '    cron: "30 2 * * *"', '    profile: profiles/web.yml'];

describe('the file of the server', () => {
  it('is understood, with what it leaves out', async () => {
    const configuration = await load(user, 'hosts: [hosts.yml]', 'schedules:', ...NIGHTLY);
    expect(configuration).toMatchObject({
      listen: { host: '127.0.0.1', port: 8443 }, tls: undefined, concurrency: 4, stopAfterMs: 20_000, store: undefined, users: [{ name: 'anna', role: 'operator' }],
    });
    expect(configuration.schedules).toMatchObject([{
      name: 'nightly', timezone: 'UTC', jitterMs: 0, timeoutMs: 3_600_000, evidence: 'live', keys: ['web01', 'web02', 'db01'],
      work: { kind: 'profile', profile: join(folder, 'profiles/web.yml') }, fleet: { hosts: [join(folder, 'hosts.yml')], forks: '64' },
    }]);
  });

  it('says everything that a check can be told on the command line', async () => {
    const { schedules: [schedule] } = await load(
      'schedules:', '  - name: drift', '    cron: "*/10 * * * * *"', '    timezone: Europe/Berlin', '    jitter: 90s', '    timeout: 5m', '    playbook: site.yml', '    pattern: webservers:!web02',
      '    hosts: [hosts.yml]', '    forks: 3', '    user: ops', '    become: true', '    private_key: keys/id', '    variables: {floor: 3072, strict: true}',
    );
    expect(schedule).toMatchObject({
      work: { kind: 'playbook', playbook: join(folder, 'site.yml') }, timezone: 'Europe/Berlin', jitterMs: 90_000, timeoutMs: 300_000, keys: ['web01'], pattern: 'webservers:!web02',
      fleet: { forks: '3', user: 'ops', become: true, privateKey: join(folder, 'keys/id'), extraVars: ['{"floor":3072,"strict":true}'] },
    });
  });

  it('is told of with every mistake, each at its line', async () => {
    expect(await mistakes(
      'listen: 127.0.0.1:99999', 'hosts: [hosts.yml, missing.yml]', 'schedules:',
      '  - name: a', '    cron: "61 * * * *"', '    profile: profiles/web.yml', '    hosts: [hosts.yml]',
      '  - name: a', '    cron: "@daily"', '    timezone: Mars/Base', '    profile: profiles/missing.yml', '    hosts: [hosts.yml]',
      '  - name: b', '    cron: "@daily"', '    profile: profiles/web.yml', '    playbook: site.yml', '    hosts: [hosts.yml]',
      '  - name: c', '    cron: "@daily"', '    hosts: [hosts.yml]', '    playbook: site.yml', '    pattern: webserver',
      '  - name: d', '    cron: "@daily"', '    profile: profiles/web.yml', '    timeout: 0s',
    )).toEqual([
      '1: there is no such port', '2: missing.yml does not exist',
      expect.stringMatching(/^5: "61 \* \* \* \*" is no cron expression/), '8: there is a schedule "a" already', '10: "Mars/Base" is no time zone', '11: profiles/missing.yml does not exist',
      '16: the schedule "b" takes either a profile or a playbook', expect.stringMatching(/^22: .*"webserver"/), '26: a timeout is longer than nothing and 24d at most',
    ]);
  });

  it('may have keys that nobody knows, and is told of', async () => {
    expect(await mistakes('schedule: []')).toEqual(['1: "schedule" is not a key of the file of the server', '1: the file of the server needs "schedules"']);
    expect(await mistakes('schedules:', '  - name: A b', '    cron: "@daily"', '    jitter: 5 minutes')).toEqual([
      '2: name is not written as it should be', '4: jitter is not written as it should be',
    ]);
  });

  it('names a profile whose mistakes are told at their place', async () => {
    const thrown: unknown = await load('hosts: [hosts.yml]', 'schedules:', '  - name: a', '    cron: "@daily"', '    profile: profiles/bad.yml').catch((error: unknown) => error);
    const [first] = thrown instanceof HsmfleetErrors ? thrown.errors : [thrown as HsmfleetError];
    expect(first).toMatchObject({ code: 'PROFILE_INVALID', position: { file: join(folder, 'profiles/bad.yml'), line: 4 } });
  });

  it('cannot have tokens and answers read on the way', async () => {
    expect(await mistakes('listen: 0.0.0.0:8443', 'schedules: []')).toEqual([expect.stringMatching(/^1: the server would listen on 0\.0\.0\.0 without TLS/)]);
    expect(await mistakes('listen: "[::1]:8443"', 'schedules: []', 'tls: {cert: no.pem, key: no.key}')).toEqual([expect.stringMatching(/^3: the file no\.pem/), expect.stringMatching(/^3: the file no\.key/)]);
  });

  it('lets a schedule that touches no host wait for none', async () => {
    const { schedules } = await load('hosts: [hosts.yml]', 'schedules:', ...NIGHTLY, '    evidence: snapshot');
    expect(schedules).toMatchObject([{ evidence: 'snapshot', keys: [] }]);
  });

  it('tells every sink of a schedule, unless it names some', async () => {
    writeFileSync(join(folder, 'key'), 'k\n', { mode: 0o600 });
    const sinks = ['notify:', '  webhook: [{name: ops, url: "https://example.org/hook", secret: !secret file:key}]', '  file: [{name: log, path: changes.ndjson}]'];
    const configuration = await load(...sinks, 'hosts: [hosts.yml]', 'schedules:', ...NIGHTLY, '  - name: other', '    cron: "@daily"', '    profile: profiles/web.yml', '    notify: [log]');
    expect(configuration.schedules.map((schedule) => schedule.sinks)).toEqual([['ops', 'log'], ['log']]);
    expect(configuration.notify.file[0]?.path).toBe(join(folder, 'changes.ndjson'));
    expect(await mistakes(...sinks, 'hosts: [hosts.yml]', 'schedules:', ...NIGHTLY, '    notify: [opps]')).toEqual(['9: there is no sink "opps"']);
    expect(await mistakes('notify:', '  webhook: [{name: ops, url: "http://example.org/hook", secret: plain}]', 'schedules: []')).toEqual(['2: secret must be a !secret reference']);
    expect(await mistakes('notify:', '  webhook: [{name: ops, url: "http://example.org/hook", secret: !secret file:key}]', 'schedules: []')).toEqual(['2: url would post in the clear']);
  });

  it('has no token in it, only its hash', async () => {
    expect(await mistakes('users: [{name: anna, role: operator, token: anna.secret}]', 'schedules: []')).toEqual(['1: token is not written as it should be']);
  });
});
