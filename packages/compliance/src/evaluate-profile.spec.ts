import type { CheckOutcome, CheckResult, FindingCell } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluateProfile, resultKey, type Evaluation } from './evaluate-profile.ts';
import type { Control, HostDrift, HostEvidence, Profile } from './model.ts';

const NOW = new Date('2026-03-10T12:00:00Z');
const position = { file: 'p.yml', line: 1, column: 1 };

function control(given: Partial<Control> = {}): Control {
  return {
    id: 'keys', title: 'Strong keys', why: 'w', severity: 'high', fix: null, kind: 'query', position, query: 'select host from keys', applies: undefined,
    playbook: undefined, tasks: undefined, message: undefined, identity: undefined, maxAgeHours: 24, ...given,
  };
}
const profileOf = (given: Partial<Profile>): Profile => ({
  name: 'p', title: 'P', description: undefined, file: 'p.yml', sha256: '', parameters: new Map(), overrides: [], controls: [control()], waivers: [], ...given,
});
const seen = (given: Partial<HostEvidence> = {}): HostEvidence => ({
  reach: 'ok', error: null, collectedAt: '2026-03-10T11:00:00.000Z', kind: 'live', tokensReadAt: '2026-03-10T11:00:00.000Z', gaps: [], ...given,
});

function evaluation(given: Partial<Evaluation> & { rows?: Record<string, FindingCell>[] } = {}): Evaluation {
  const { rows = [], ...rest } = given;
  const hosts = rest.hosts ?? ['a', 'b'];
  return {
    profile: profileOf({}), hosts, query: () => Promise.resolve(rows), select: (pattern) => (pattern === 'all' ? hosts : hosts.filter((host) => host === pattern)),
    given: new Map(), evidence: new Map(hosts.map((host) => [host, seen()])), drift: new Map(), previous: new Map(), now: NOW, ...rest,
  };
}
const outcomes = (results: CheckResult[]): Record<string, CheckOutcome> => Object.fromEntries(results.map(({ host, outcome }) => [host, outcome]));

describe('a query', () => {
  test('fails where it has rows, and passes elsewhere', async () => {
    const { results, counts } = await evaluateProfile(evaluation({ rows: [{ host: 'a', label: 'k', bits: 1024 }, { host: 'z', label: 'k', bits: 1 }] }));
    expect(outcomes(results)).toEqual({ a: 'fail', b: 'pass' });
    expect(results[0]).toMatchObject({ findings: [{ message: 'label k, bits 1024', row: { label: 'k', bits: 1024 } }], evidence: 'live', evidenceAt: '2026-03-10T11:00:00.000Z' });
    expect(counts).toEqual({ pass: 1, fail: 1, waived: 0, error: 0, unreachable: 0, not_applicable: 0 });
  });

  test.each<[string, Partial<HostEvidence>, CheckOutcome, string | undefined]>([
    ['nothing is known', { collectedAt: null, tokensReadAt: null, kind: null }, 'error', 'there is no inventory of it'],
    ['what is known is too old', { reach: 'snapshot', collectedAt: '2026-03-08T11:00:00Z' }, 'error', 'what is known of it is 2 days old, and the control takes 24 h at most'],
    ['the host does not answer', { reach: 'unreachable', error: { code: 'UNREACHABLE', message: 'no route' } }, 'unreachable', 'no route'],
    ['the host is busy', { reach: 'failed', error: { code: 'HOST_BUSY', message: 'busy' } }, 'error', 'busy'],
    ['a module could not be read', { gaps: [{ views: ['tokens', 'keys'], problem: 'it hung' }] }, 'error', 'its inventory is incomplete: it hung'],
    ['something else could not be read', { gaps: [{ views: ['sites'], problem: 'no' }] }, 'pass', undefined],
    ['tokens were left alone, and looked at before', { kind: 'passive', tokensReadAt: '2026-03-10T01:00:00Z' }, 'pass', undefined],
    ['tokens were left alone, and never looked at', { kind: 'passive', tokensReadAt: null }, 'error', 'its tokens were left alone, and no earlier look at them is known'],
  ])('has no rows, and %s', async (_what, given, outcome, message) => {
    const { results } = await evaluateProfile(evaluation({ evidence: new Map([['a', seen(given)], ['b', seen()]]) }));
    expect(outcomes(results)).toEqual({ a: outcome, b: 'pass' });
    expect(results[0]?.error?.message).toBe(message);
  });

  test('says how old the evidence is', async () => {
    const { results } = await evaluateProfile(evaluation({ hosts: ['a'], evidence: new Map([['a', seen({ kind: 'passive', tokensReadAt: '2026-03-10T01:00:00Z' })]]) }));
    expect(results[0]).toMatchObject({ evidence: 'snapshot', evidenceAt: '2026-03-10T01:00:00Z' });
  });

  test('with rows is a finding although something could not be read', async () => {
    const evidence = new Map([['a', seen({ gaps: [{ views: 'all', problem: 'no' }] })], ['b', seen()]]);
    expect(outcomes((await evaluateProfile(evaluation({ evidence, rows: [{ host: 'a' }] }))).results)).toEqual({ a: 'fail', b: 'pass' });
  });

  test('is about the hosts that applies names', async () => {
    const profile = profileOf({ controls: [control({ applies: 'select host from sites' })] });
    const query: Evaluation['query'] = (sql) => Promise.resolve(sql.includes('sites') ? [{ host: 'b' }] : [{ host: 'a' }, { host: 'b' }]);
    expect(outcomes((await evaluateProfile(evaluation({ profile, query }))).results)).toEqual({ a: 'not_applicable', b: 'fail' });
  });

  test('is not waved through where the views that applies asks could not be read', async () => {
    const profile = profileOf({ controls: [control({ applies: 'select host from tokens', query: 'select host from web_servers' })] });
    const evidence = new Map([['a', seen({ gaps: [{ views: ['tokens'], problem: 'it hung' }] })], ['b', seen({ collectedAt: null })], ['c', seen()]]);
    expect(outcomes((await evaluateProfile(evaluation({ hosts: ['a', 'b', 'c'], profile, evidence }))).results)).toEqual({ a: 'error', b: 'error', c: 'not_applicable' });
  });

  test('gets the parameters of each host: default, by pattern, -e', async () => {
    const profile = profileOf({
      controls: [control({ query: 'select host from certificates where days_left < $days' })],
      parameters: new Map([['days', { name: 'days', description: '', value: 30, position }]]),
      overrides: [{ hosts: 'b', values: new Map([['days', 7]]), position }, { hosts: 'gone', values: new Map([['days', 1]]), position }],
    });
    const asked: unknown[] = [];
    const query: Evaluation['query'] = (_sql, params) => { asked.push(params); return Promise.resolve(params.days === 7 ? [{ host: 'a' }] : []); };
    const { results, warnings } = await evaluateProfile(evaluation({ profile, query }));
    expect(asked).toEqual([{ days: 30 }, { days: 7 }]);
    expect(outcomes(results)).toEqual({ a: 'pass', b: 'pass' });
    expect(warnings).toEqual(['p.yml:1: values for "gone" are not used: it names no host']);
    asked.length = 0;
    await evaluateProfile(evaluation({ profile, query, given: new Map([['days', 3]]) }));
    expect(asked).toEqual([{ days: 3 }]);
  });
});

describe('a waiver', () => {
  const waived = (until: string, hosts = 'a'): Profile => profileOf({ waivers: [{ controls: ['keys'], hosts, reason: 'r', owner: 'o', until, position }] });

  test.each<[string, string, CheckOutcome, boolean]>([
    ['holds on its last day', '2026-03-10', 'waived', false],
    ['has expired on the day after', '2026-03-09', 'fail', true],
  ])('%s', async (_what, until, outcome, expired) => {
    const { results } = await evaluateProfile(evaluation({ profile: waived(until), rows: [{ host: 'a' }, { host: 'b' }] }));
    expect(outcomes(results)).toEqual({ a: outcome, b: 'fail' });
    expect(results.map(({ waiver }) => waiver?.expired)).toEqual([expired, undefined]);
    expect(results[0]?.findings).toHaveLength(1);
  });

  test('that fits nothing is told of', async () => {
    expect((await evaluateProfile(evaluation({ profile: waived('2026-03-10', 'gone') }))).warnings).toEqual(['p.yml:1: the waiver for "gone" is not used: it names no host']);
  });

  test('waives findings only, never what could not be judged', async () => {
    const evidence = new Map([['a', seen({ reach: 'unreachable', error: { code: 'UNREACHABLE', message: 'x' } })], ['b', seen()]]);
    expect(outcomes((await evaluateProfile(evaluation({ profile: waived('2026-03-10', 'all'), evidence }))).results)).toEqual({ a: 'unreachable', b: 'pass' });
  });
});

describe('drift', () => {
  const task = (name: string, outcome: 'ok' | 'changed' | 'skipped' | 'failed') => ({
    name, resource: 'file', outcome, changes: outcome === 'changed' ? ['set mode 0640'] : [], position: null,
    error: outcome === 'failed' ? { code: 'TASK_FAILED', message: 'it broke' } : null,
  });
  const drift = (given: HostDrift | undefined): Evaluation['drift'] => new Map([['/x.yml', new Map(given === undefined ? [] : [['a', given]])]]);
  const of = async (given: HostDrift | undefined, tasks?: string[]) => {
    const profile = profileOf({ controls: [control({ kind: 'drift', query: undefined, playbook: '/x.yml', tasks })] });
    return (await evaluateProfile(evaluation({ hosts: ['a'], profile, drift: drift(given) }))).results[0];
  };
  const at = NOW.toISOString();

  test.each<[string, HostDrift | undefined, string[] | undefined, CheckOutcome]>([
    ['nothing to do', { tasks: [task('A', 'ok'), task('B', 'skipped')], error: null, at }, undefined, 'pass'],
    ['something to do', { tasks: [task('A', 'ok'), task('B', 'changed')], error: null, at }, undefined, 'fail'],
    ['something to do that does not count', { tasks: [task('A', 'ok'), task('B', 'changed')], error: null, at }, ['A'], 'pass'],
    ['all that counts is skipped', { tasks: [task('A', 'changed'), task('B', 'skipped')], error: null, at }, ['B'], 'not_applicable'],
    ['the host is in no play', undefined, undefined, 'not_applicable'],
    ['a task fails', { tasks: [task('A', 'failed')], error: { code: 'TASK_FAILED', message: 'it broke' }, at }, undefined, 'error'],
    ['a later task fails', { tasks: [task('A', 'ok'), task('B', 'failed')], error: { code: 'TASK_FAILED', message: 'it broke' }, at }, ['A'], 'pass'],
    ['an earlier task fails', { tasks: [task('A', 'failed')], error: { code: 'TASK_FAILED', message: 'it broke' }, at }, ['B'], 'error'],
    ['there is no such task', { tasks: [task('A', 'ok')], error: null, at }, ['C'], 'error'],
  ])('%s', async (_what, given, tasks, outcome) => {
    expect((await of(given, tasks))?.outcome).toBe(outcome);
  });

  test('a finding says what would be done', async () => {
    expect((await of({ tasks: [task('A', 'changed')], error: null, at }))?.findings).toMatchObject([{ message: 'A: would set mode 0640', row: { task: 'A', changes: 'set mode 0640' } }]);
  });

  test('is taken from the check before when hosts are not asked', async () => {
    const profile = profileOf({ controls: [control({ kind: 'drift', query: undefined, playbook: '/x.yml' })] });
    const evidence = new Map([['a', seen({ reach: 'snapshot' })]]);
    const before: CheckResult = { control: 'keys', host: 'a', outcome: 'pass', findings: [], waiver: null, evidenceAt: '2026-03-10T10:00:00Z', evidence: 'live', error: null };
    const again = async (given: Partial<CheckResult>) => (await evaluateProfile(evaluation({ hosts: ['a'], profile, evidence, previous: new Map([[resultKey('keys', 'a'), { ...before, ...given }]]) }))).results[0];
    expect(await again({})).toMatchObject({ outcome: 'pass', evidence: 'snapshot', evidenceAt: '2026-03-10T10:00:00Z' });
    expect(await again({ evidenceAt: '2026-03-01T10:00:00Z' })).toMatchObject({ outcome: 'error' });
    expect((await evaluateProfile(evaluation({ hosts: ['a'], profile, evidence }))).results[0]).toMatchObject({ outcome: 'error', error: { code: 'EVIDENCE_MISSING' } });
  });
});

test('the key of a finding ignores times, ages and the order of columns, and nothing else', async () => {
  const keyOf = async (row: Record<string, FindingCell>, id = 'keys'): Promise<string | undefined> =>
    (await evaluateProfile(evaluation({ hosts: ['a'], profile: profileOf({ controls: [control({ id })] }), rows: [{ host: 'a', ...row }] }))).results[0]?.findings[0]?.key;
  await fc.assert(fc.asyncProperty(fc.string(), fc.integer(), fc.integer(), async (label, days, more) => {
    const key = await keyOf({ label, days_left: days, collected_at: '2026-01-01T00:00:00Z' });
    expect(await keyOf({ not_after: '2027-01-01T00:00:00Z', days_left: more, label })).toBe(key);
    expect(await keyOf({ label: `${label}!`, days_left: days })).not.toBe(key);
    expect(await keyOf({ label, days_left: days }, 'others')).not.toBe(key);
  }), { numRuns: 50 });
});

test('every control and host has exactly one outcome, and the counts add up', async () => {
  const reach = fc.constantFrom<HostEvidence['reach']>('ok', 'snapshot', 'unreachable', 'failed');
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(reach, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 8 }), async (given) => {
    const hosts = given.map((_, index) => `h${String(index)}`);
    const evidence = new Map(given.map(([state, known], index) => [`h${String(index)}`, seen({ reach: state, collectedAt: known ? NOW.toISOString() : null, error: { code: 'X', message: 'x' } })]));
    const rows = given.flatMap(([, , bad], index) => (bad ? [{ host: `h${String(index)}` }] : []));
    const { results, counts } = await evaluateProfile(evaluation({ hosts, evidence, rows }));
    expect(results.map(({ host }) => host)).toEqual(hosts);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(hosts.length);
    for (const [index, [state, known, bad]] of given.entries()) {
      const expected = state === 'unreachable' ? 'unreachable' : state === 'failed' || !known ? 'error' : bad ? 'fail' : 'pass';
      expect(results[index]?.outcome).toBe(expected);
    }
  }));
});
