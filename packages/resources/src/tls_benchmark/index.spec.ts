import type { ModuleRow } from '@hsmfleet/contract';
import type { MeasureSite, Step, StepResult, WebChange } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { knownKeys } from './identify.ts';
import { resource } from './index.ts';

const apache = {
  flavor: 'debian', installed: true, service: 'apache2', binary: '/usr/sbin/apache2', user: 'www-data', group: 'www-data', configDir: '/etc/apache2',
  modulesDir: '/usr/lib/apache2/modules', errorLog: '/var/log/apache2/error.log', pidFile: '/run/apache2.pid',
};
const model = {
  apache, loaded: 'event', needsPrefork: null, settings: null, link: null, enabled: ['mpm_event.conf', 'mpm_event.load'],
  available: ['mpm_event.conf', 'mpm_event.load', 'mpm_prefork.conf', 'mpm_prefork.load'], loadFiles: {},
};
const site = { name: 'a.test', aliases: [], address: '*', port: 443, engine: 'mod_ssl', config: '/etc/apache2/a.conf', key: 'pkcs11:object=web' };
const facts = (over: object = {}): unknown => ({
  model, processes: null, sites: [{ site, handshake: { ok: true, keyFingerprint: 'f1' } }], keys: {}, left: null, siege: true, ...over,
});
const plan = (params: Record<string, unknown>, given = facts()): readonly Step[] => resource.plan(params, given, {}).steps;
const webChanges = (steps: readonly Step[]): WebChange[] => steps.filter((step) => step.kind === 'web_change');

test('measures every site as the server is, and changes nothing', () => {
  const steps = plan({ concurrency: [5, 10] });
  expect(steps.map(({ kind }) => kind)).toEqual(['measure_site']);
  expect(steps[0]).toMatchObject({ target: { serverName: 'a.test', port: 443, address: '127.0.0.1' }, of: { mpm: 'event', processes: null, engine: 'mod_ssl' }, deadlineS: 16 });
  expect((steps[0] as MeasureSite).points).toHaveLength(2);
});

test('goes through process models with proofs, and puts back exactly what was there, whatever happens', () => {
  const steps = plan({ process_models: ['one-process', 'prefork', 'current'] });
  expect(steps.map((step) => (step.kind === 'measure_site' ? `${String(step.of.mpm)} ${String(step.of.processes)}` : (step as WebChange).why))).toEqual([
    'event null', 'run Apache with mpm_prefork, 150 processes at most, for the benchmark', 'prefork 150',
    'run Apache with mpm_event, 1 processes at most, for the benchmark', 'event 1', 'put back the process model of before',
  ]);
  const changes = webChanges(steps);
  expect(changes.map(({ apply, always = false, proofs }) => [apply, always, proofs.map(({ keyFingerprint }) => keyFingerprint)])).toEqual([
    ['restart', false, ['f1']], ['restart', false, ['f1']], ['restart', true, ['f1']],
  ]);
  expect(changes[0]?.changes[0]).toMatchObject({ kind: 'write_file', path: '/var/lib/hsmfleet/benchmark-puts-back.json', mode: 0o600 });
  expect(changes[2]?.changes).toEqual([
    { kind: 'remove', path: '/etc/apache2/conf-enabled/hsmfleet-mpm.conf' },
    { kind: 'remove', path: '/etc/apache2/conf-available/hsmfleet-mpm.conf' },
    { kind: 'remove', path: '/var/lib/hsmfleet/benchmark-puts-back.json' },
  ]);
});

test('after prefork alone the links of before come back', () => {
  const back = webChanges(plan({ process_models: ['prefork'] })).at(-1)?.changes ?? [];
  expect(back).toContainEqual({ kind: 'remove', path: '/etc/apache2/mods-enabled/mpm_prefork.load' });
  expect(back).toContainEqual({ kind: 'make_link', path: '/etc/apache2/mods-enabled/mpm_event.load', target: '../mods-available/mpm_event.load', force: true });
});

test('puts back what an earlier benchmark left, although nothing else is to change', () => {
  const prefork = { ...model, loaded: 'prefork', enabled: ['mpm_prefork.conf', 'mpm_prefork.load'], settings: '# ours\n', link: '../conf-available/hsmfleet-mpm.conf' };
  const outcome = resource.plan({}, facts({ model: prefork, left: model }), {});
  expect(outcome.warnings?.[0]).toContain('cut off');
  expect(outcome.steps.map(({ kind }) => kind)).toEqual(['measure_site', 'web_change']);
});

test('with PHP in the server it leaves the process model alone', () => {
  const outcome = resource.plan({ process_models: ['one-process'] }, facts({ model: { ...model, needsPrefork: 'php_module' } }), {});
  expect(outcome.steps).toEqual([]);
  expect(outcome.warnings?.[0]).toContain('php_module');
});

test.each([
  ['no site', {}, { sites: [] }, 'has no TLS site'],
  ['no siege', {}, { siege: false }, 'siege is not installed'],
  ['nothing serves', {}, { sites: [{ site, handshake: { ok: false, problem: 'ECONNREFUSED' } }] }, 'no site serves, so there is nothing to measure: ECONNREFUSED'],
  ['no server', {}, { sites: [{ site, handshake: null }] }, 'the web server does not run'],
  ['too many points', { concurrency: Array.from({ length: 50 }, (_, index) => index + 1), process_models: ['current', 'prefork', 'one-process'] }, { sites: Array(8).fill({ site, handshake: { ok: true } }) }, '1200 points'],
  ['models from afar', { load_from: 'control', process_models: ['prefork'] }, {}, 'process_models needs load from the webserver'],
])('says before anything is touched: %s', (_title, params, over, message) => {
  expect(() => plan(params, facts(over))).toThrow(message);
});

test('resumed sessions need no siege', () => {
  expect(plan({ resumption: 'resumed' }, facts({ siege: false }))).toHaveLength(1);
});

test('for a control host it tells what there is, and makes no load', () => {
  const outcome = resource.plan({ load_from: 'control' }, facts({ siege: false }), {});
  expect(outcome.steps).toEqual([]);
  expect(outcome.result).toMatchObject({ sites: [{ of: { driver: 'control', site: 'a.test' } }] });
});

test('fails when no point could be measured, and only then', () => {
  const done = (...outcomes: string[]): StepResult[] => [{ step: plan({})[0] as Step, points: outcomes.map((outcome) => ({ outcome, problem: outcome === 'measured' ? null : 'it hung' })) as never, startedAt: '', durationMs: 0 }];
  expect(resource.result?.({}, facts(), done('measured', 'hung'))).toMatchObject({ measured: 1, hung: 1, unhealthy: 0 });
  expect(resource.result?.({}, facts(), done('measured', 'hung'))).not.toHaveProperty('failed');
  expect(resource.result?.({}, facts(), done('hung', 'unhealthy'))).toMatchObject({ failed: true, msg: 'no point could be measured: it hung' });
});

test('keys are known by their public half; what only a certificate tells of, by it', () => {
  const module = {
    path: '/lib.so', description: 'lib', version: '1.0', sha256: 'aa',
    tokens: [{ label: 'tok', keys: [{ fingerprint: 'f1', label: 'rsa', type: 'rsa', bits: 2048, curve: null }], certificates: [{ keyFingerprint: 'f1', label: 'x' }, { keyFingerprint: 'f2', label: 'only cert' }] }],
  } as unknown as ModuleRow;
  expect(knownKeys([module])).toMatchObject({ f1: { key: { label: 'rsa', bits: 2048 }, token: 'tok', module: { path: '/lib.so' } }, f2: { key: { label: 'only cert', type: null } } });
});
