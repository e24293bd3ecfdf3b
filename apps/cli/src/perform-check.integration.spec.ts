import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkQueries, evaluateProfile, parseProfile } from '@hsmfleet/compliance';
import type { InventoryReport } from '@hsmfleet/contract';
import { openTestStore, removeTestDatabases, sampleReport, whyNoPostgres, type StoreKind } from '@hsmfleet/store/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { WORKSPACE } from './agent-bundle.ts';
import { performCheck } from './perform-check.ts';
import { readEvidence } from './read-evidence.ts';

/* Checks over real databases of both kinds; hosts are reports that were stored, so none is touched. */
const PROFILE = join(WORKSPACE, 'playbooks/profiles/hsm-webserver.yml');
const noPostgres = whyNoPostgres();
if (noPostgres !== undefined) process.stderr.write(`PostgreSQL is left out: ${noPostgres}\n`);
const kinds: StoreKind[] = noPostgres === undefined ? ['sqlite', 'postgres'] : ['sqlite'];
const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-check-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await removeTestDatabases();
});

const fleet = { hosts: [join(folder, 'hosts.yml')], forks: '4' };
writeFileSync(join(folder, 'hosts.yml'), 'all: { hosts: { web1: {}, web2: {}, web3: {} } }\n');
const profile = join(folder, 'profile.yml');

function writeProfile(...lines: string[]): void {
  writeFileSync(profile, [
    'profile: spec', 'title: Spec', 'max_age: 1h', 'parameters:', '  bits: { description: least, default: 2048 }', 'controls:',
    "  - { id: weak, title: No weak key, why: w, severity: high, applies: select host from tokens, query: \"select host, token, id, bits from keys where type = 'rsa' and bits < $bits\" }",
    ...lines, '',
  ].join('\n'));
}

describe.each(kinds)('%s', (kind) => {
  test('understands every query of the shipped profile, and finds what is wrong with a host', async () => {
    const { store, remove } = await openTestStore(kind);
    const shipped = await parseProfile(PROFILE);
    await checkQueries(shipped, (sql, params) => store.read(sql, params));
    await store.recordInventory(sampleReport('web1', new Date().toISOString()));
    const { results } = await evaluateProfile({
      profile: shipped, hosts: ['web1'], query: (sql, params) => store.read(sql, params), select: () => ['web1'], given: new Map([['module_sha256', 'ab']]),
      evidence: await readEvidence(store, ['web1'], undefined), drift: new Map(), previous: new Map(), now: new Date(),
    });
    expect(results.filter(({ outcome }) => outcome === 'fail').map(({ control }) => control)).toEqual(expect.arrayContaining(['module-as-rolled-out', 'weak-rsa-key']));
    await remove();
  });

  test('keeps checks: what is new, what is gone, what nobody can judge', async () => {
    const { store, remove } = await openTestStore(kind);
    const check = async (extraVars: string[] = []) => performCheck({ profile, fleet: { ...fleet, extraVars }, schedule: null, evidence: 'snapshot', store, sinks: ['mail'] });
    const stored = (host: string, more: Partial<InventoryReport> = {}) => store.recordInventory(sampleReport(host, new Date().toISOString(), more));
    writeProfile();
    await stored('web1');
    await stored('web2', { modules: [] });
    const first = await check();
    const outcomes = (report: typeof first.report) => Object.fromEntries(report.results.map(({ host, outcome }) => [host, outcome]));
    expect(outcomes(first.report)).toEqual({ web1: 'fail', web2: 'not_applicable', web3: 'error' });
    expect(first.changes.filter(({ kind: what }) => what === 'finding').map(({ host, control }) => [host, control])).toEqual([['web1', 'weak']]);
    expect((await store.pendingNotifications(new Date(Date.now() + 1_000))).map(({ sink }) => sink)).toContain('mail');
    expect(await store.lastCheck({ schedule: null, profile: 'spec' })).toEqual(first.report);

    const second = await check(['bits=1024']);
    expect(outcomes(second.report)).toMatchObject({ web1: 'pass' });
    expect(second.changes.map(({ kind: what }) => what)).toEqual(['resolved']);

    writeProfile('waivers:', '  - { controls: [weak], hosts: web1, reason: r, owner: o, until: "2000-01-01" }');
    const third = await check();
    expect(third.report.results[0]).toMatchObject({ outcome: 'fail', waiver: { expired: true } });
    await remove();
  });

  test('refuses a parameter that is no number, and a profile that asks for what is not there', async () => {
    const { store, remove } = await openTestStore(kind);
    writeProfile();
    await expect(performCheck({ profile, fleet: { ...fleet, extraVars: ['bits=many'] }, schedule: null, evidence: 'snapshot', store, sinks: [] })).rejects.toThrow('wants a number, not "many"');
    writeProfile('  - { id: typo, title: T, why: w, severity: low, query: select host from kyes }');
    await expect(performCheck({ profile, fleet, schedule: null, evidence: 'snapshot', store, sinks: [] })).rejects.toMatchObject({ code: 'PROFILE_INVALID', position: { line: 8 }, message: expect.stringContaining('"kyes"') as string });
    await remove();
  });
});
