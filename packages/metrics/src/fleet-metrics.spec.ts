import { spawnSync } from 'node:child_process';
import { expect, it, describe } from 'vitest';
import { FleetMetrics } from './fleet-metrics.ts';
import { CERTIFICATE_SERIES } from './limits.ts';
import { EMPTY_SNAPSHOT, type MetricsSnapshot } from './snapshot.ts';
import { readExposition, type Family } from './testkit/read-exposition.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const LOADED = { ok: true, loadedAt: NOW };
const day = (days: number): string => new Date(NOW.getTime() + days * 86_400_000).toISOString();

const SNAPSHOT: MetricsSnapshot = {
  compliance: [
    { schedule: 'nightly', profile: 'web', control: 'no-weak-keys', severity: 'high', outcome: 'pass', hosts: 7 },
    { schedule: 'nightly', profile: 'web', control: 'no-weak-keys', severity: 'high', outcome: 'fail', hosts: 1 },
    { schedule: null, profile: 'web', control: 'no-weak-keys', severity: 'high', outcome: 'unreachable', hosts: 2 },
  ],
  checks: [{ schedule: 'nightly', profile: 'web', finishedAt: '2026-02-28T23:00:00.500Z', durationSeconds: 12.25 }],
  hosts: [{ state: 'answered', count: 7 }, { state: 'unreachable', count: 1 }],
  certificates: [
    { host: 'web01', token: 'shop "A"\\1\nx', id: '01', label: 'shop', notAfter: day(3) },
    { host: 'web02', token: 'shop', id: '01', label: 'ü\u0000', notAfter: day(-1) },
    { host: 'web02', token: 'shop', id: '01', label: 'ü\u0000', notAfter: day(400) },
  ],
  keys: [{ type: 'rsa', bits: 2048, count: 3 }, { type: 'unknown', bits: null, count: 1 }],
  tokens: [{ pin: 'ok', count: 7 }, { pin: 'final_try', count: 1 }],
  runs: [{ playbook: 'site.yml', finishedAt: '2026-02-28T20:00:00.000Z', durationSeconds: 30 }],
  schedules: [{ name: 'nightly', lastSuccessAt: '2026-02-28T23:00:00.000Z', nextAt: day(1), running: true, waiting: false }, { name: 'new', lastSuccessAt: null, nextAt: null, running: false, waiting: true }],
  notifications: [{ sink: 'ops', waiting: 2, oldestAt: '2026-02-28T23:00:00.000Z', givenUp: 1 }, { sink: 'mail', waiting: 0, oldestAt: null, givenUp: 0 }],
};

async function collected(snapshot: MetricsSnapshot = SNAPSHOT, metrics = new FleetMetrics('1.2.3')): Promise<{ text: string; families: Map<string, Family> }> {
  const text = await metrics.collect(snapshot, LOADED, NOW);
  return { text, families: readExposition(text) };
}

/** Value of a series; undefined when there is none. */
function value(families: Map<string, Family>, metric: string, labels: Record<string, string> = {}): number | undefined {
  const matching = [...families.values()].flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === `hsmfleet_${metric}` && Object.entries(labels).every(([name, text]) => sample.labels[name] === text));
  expect(matching.length, metric).toBeLessThan(2);
  return matching[0]?.value;
}

describe('what is scraped', () => {
  it('says how controls are met, by outcome, those that no host has included', async () => {
    const { families } = await collected();
    const of = (outcome: string, schedule = 'nightly'): number | undefined => value(families, 'control_hosts', { schedule, profile: 'web', control: 'no-weak-keys', severity: 'high', outcome });
    expect(['pass', 'fail', 'waived', 'error', 'unreachable', 'not_applicable'].map((outcome) => of(outcome))).toEqual([7, 1, 0, 0, 0, 0]);
    expect(of('unreachable', '')).toBe(2);
  });

  it('says when certificates expire, as an instant', async () => {
    const { families } = await collected();
    expect(value(families, 'certificate_expiry_timestamp_seconds', { host: 'web01', token: 'shop "A"\\1\uFFFDx' })).toBe(Date.parse(day(3)) / 1_000);
    // of two that look alike the one that matters
    expect(value(families, 'certificate_expiry_timestamp_seconds', { host: 'web02' })).toBe(Date.parse(day(-1)) / 1_000);
    expect(Object.fromEntries(['expired', '1d', '7d', '30d', 'later'].map((group) => [group, value(families, 'certificates', { expires_within: group })])))
      .toEqual({ expired: 1, '1d': 0, '7d': 1, '30d': 0, later: 1 });
  });

  it('counts hosts, keys, tokens and notifications', async () => {
    const { families } = await collected();
    expect(value(families, 'hosts', { state: 'unreachable' })).toBe(1);
    expect(value(families, 'keys', { type: 'rsa', bits: '2048' })).toBe(3);
    expect(value(families, 'tokens', { pin: 'final_try' })).toBe(1);
    expect(value(families, 'notifications_waiting', { sink: 'ops' })).toBe(2);
    expect(value(families, 'notifications_given_up', { sink: 'ops' })).toBe(1);
    expect(value(families, 'notifications_oldest_timestamp_seconds', { sink: 'mail' })).toBeUndefined();
  });

  it('says how schedules and checks fare', async () => {
    const { families } = await collected();
    expect(value(families, 'schedule_last_success_timestamp_seconds', { schedule: 'nightly' })).toBe(Date.parse('2026-02-28T23:00:00Z') / 1_000);
    expect(value(families, 'schedule_last_success_timestamp_seconds', { schedule: 'new' })).toBe(0);
    expect(value(families, 'schedule_running', { schedule: 'nightly' })).toBe(1);
    expect(value(families, 'check_last_duration_seconds', { schedule: 'nightly' })).toBe(12.25);
    expect(value(families, 'run_last_duration_seconds', { playbook: 'site.yml' })).toBe(30);
  });

  it('counts over the life of the process', async () => {
    const metrics = new FleetMetrics('1');
    metrics.runEnded('nightly', 'pass', 1_500);
    metrics.runEnded('nightly', 'pass', 45_000);
    metrics.runSkipped('nightly');
    metrics.agentError('HOST_BUSY');
    metrics.agentError('something a host made up');
    metrics.agentError('and another');
    metrics.configurationRead(false);
    await collected(SNAPSHOT, metrics);
    const { families } = await collected(SNAPSHOT, metrics);
    expect(value(families, 'schedule_runs_total', { schedule: 'nightly', outcome: 'pass' })).toBe(2);
    expect(value(families, 'schedule_run_duration_seconds_bucket', { le: '2' })).toBe(1);
    expect(value(families, 'schedule_run_duration_seconds_sum')).toBe(46.5);
    expect(value(families, 'schedule_skipped_total')).toBe(1);
    expect(value(families, 'agent_errors_total', { code: 'HOST_BUSY' })).toBe(1);
    expect(value(families, 'agent_errors_total', { code: 'OTHER' })).toBe(2);
    expect(value(families, 'config_reloads_total', { result: 'refused' })).toBe(1);
  });

  it('forgets what is gone from the fleet', async () => {
    const metrics = new FleetMetrics('1');
    await collected(SNAPSHOT, metrics);
    const { families } = await collected(EMPTY_SNAPSHOT, metrics);
    expect(value(families, 'certificate_expiry_timestamp_seconds')).toBeUndefined();
    expect(value(families, 'hosts')).toBeUndefined();
  });

  it('does not grow with the fleet', async () => {
    const hosts = 10_000;
    const certificates = Array.from({ length: 2 * hosts }, (_, index) => ({ host: `web${String(index % hosts)}`, token: `t${String(index)}`, id: '01', label: 'x'.repeat(500), notAfter: day(index / 100) }));
    const { text, families } = await collected({ ...SNAPSHOT, certificates });
    const series = [...families.values()].reduce((sum, { samples }) => sum + samples.length, 0);
    expect(families.get('hsmfleet_certificate_expiry_timestamp_seconds')?.samples).toHaveLength(CERTIFICATE_SERIES);
    expect(value(families, 'certificates_unnamed')).toBe(2 * hosts - CERTIFICATE_SERIES);
    expect(series).toBeLessThan(CERTIFICATE_SERIES + 100);
    expect(text.length).toBeLessThan(800_000);
    // those that expire first are the ones that are kept
    expect(value(families, 'certificate_expiry_timestamp_seconds', { token: 't0' })).toBe(Date.parse(day(0)) / 1_000);
    expect(value(families, 'certificate_expiry_timestamp_seconds', { token: 't19999' })).toBeUndefined();
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  // Debian's package of it brings a server that would be started; what the reader above takes is at least as strict
  it.skipIf(!promtool)(`is found well by promtool${promtool ? '' : ' (skipped: promtool is not installed)'}`, async () => {
    const { text } = await collected();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });
});
