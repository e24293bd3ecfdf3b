import type { SiegePoint } from '@hsmfleet/contract';
import type { Handshake, LoadPoint, MeasureSite } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { NO_NUMBERS } from './load.ts';
import { expandMatrix } from './matrix.ts';
import { measureSite, type LoadEnd, type LoadPorts } from './measure-site.ts';
import type { LoadCommand } from './siege.ts';

const KEY = { fingerprint: 'f1', label: 'rsa2048', type: 'rsa', bits: 2048, curve: null };

function step(points: LoadPoint[]): MeasureSite {
  return {
    kind: 'measure_site', target: { serverName: 'a.test', port: 443, address: '127.0.0.1' },
    of: { driver: 'webserver', site: 'a.test', port: 443, engine: 'mod_ssl', mpm: 'event', processes: 1 },
    configuredKey: 'pkcs11:object=web', keys: { f1: { key: KEY, token: 'web', module: null } },
    paths: ['/'], points, seconds: 2, delayS: 0, deadlineS: 12, patienceS: 3, why: 'measure',
  };
}

const point = (concurrency: number): LoadPoint => ({ tool: 'hsmfleet', resumption: 'full', concurrency });
const answered: LoadEnd = { stdout: JSON.stringify({ ...NO_NUMBERS, transactions: 19, successful: 19, failed: 1, rate: 10 }), stderr: '', code: 0, timedOut: false };
const SIEGE = JSON.stringify({
  transactions: 20, availability: 100, elapsed_time: 2, data_transferred: 1, response_time: 0.5, transaction_rate: 10, throughput: 0.5, concurrency: 5,
  successful_transactions: 20, failed_transactions: 0, longest_transaction: 1, shortest_transaction: 0.1,
});
const healthy: Handshake = { ok: true, keyFingerprint: 'f1', protocol: 'TLSv1.3' };
const dead: Handshake = { ok: false, problem: 'connect ECONNREFUSED' };

/** Ports whose clock moves only when somebody sleeps. */
function ports(probes: (count: number) => Handshake, ends: (count: number) => LoadEnd): LoadPorts & { told: SiegePoint[]; commands: LoadCommand[]; loads: number; probed: number } {
  let clock = 0;
  const made = {
    told: [] as SiegePoint[], commands: [] as LoadCommand[], loads: 0, probed: 0, loadClient: ['client'], root: true,
    probe: () => Promise.resolve(probes(made.probed++)),
    run: (command: LoadCommand) => {
      made.commands.push(command);
      return Promise.resolve(ends(made.loads++));
    },
    sleep: (ms: number) => { clock += ms; return Promise.resolve(); },
    now: () => clock,
    measured: (one: SiegePoint) => { made.told.push(one); },
  };
  return made;
}

test('a point tells the key that was served, and availability of all tries', async () => {
  const [one] = await measureSite(step([point(5)]), ports(() => healthy, () => answered));
  expect(one).toMatchObject({ outcome: 'measured', key: KEY, token: 'web', availability: 95, concurrency: 5, tlsProtocol: 'TLSv1.3', problem: null });
});

test('a key that is on no token is told as it was seen', async () => {
  const seen: Handshake = { ...healthy, keyFingerprint: 'f9', key: { type: 'ec', bits: 256, curve: 'prime256v1' } };
  const [one] = await measureSite(step([point(5)]), ports(() => seen, () => answered));
  expect(one).toMatchObject({ token: null, key: { fingerprint: 'f9', label: 'pkcs11:object=web', type: 'ec', bits: 256, curve: 'prime256v1' } });
});

test('a point that is killed at its deadline is hung, and the next one is measured when the server is back', async () => {
  const made = ports(() => healthy, (count) => (count === 0 ? { stdout: '', stderr: '', code: 137, timedOut: true } : answered));
  const points = await measureSite(step([point(5), point(10)]), made);
  expect(points.map(({ outcome }) => outcome)).toEqual(['hung', 'measured']);
  expect(points[0]?.problem).toBe('did not end within 12 s and was killed; the server answers');
  expect(made.told).toEqual(points);
});

test('siege that got stuck on a healthy server is told how often to ask instead, and tried no oftener', async () => {
  const stuck: LoadEnd = { stdout: '', stderr: '', code: 137, timedOut: true };
  const siege: LoadPoint = { tool: 'siege', resumption: 'full', concurrency: 5 };
  const ended = { ...answered, stdout: SIEGE };
  const counted = ports(() => healthy, (count) => (count === 0 ? stuck : ended));
  expect(await measureSite(step([siege]), counted)).toMatchObject([{ outcome: 'measured', rate: 10, tool: 'siege' }]);
  // the trial of 2 took 2 s: as many fit into 80 % of the 2 s asked for
  expect(counted.commands.map(({ argv }) => argv.filter((word) => /^(-t.*|-r|\d+)$/.test(word)))).toEqual([['5', '-t2S'], ['5', '-r', '2'], ['5', '-r', '2']]);
  const always = ports(() => healthy, () => stuck);
  expect(await measureSite(step([siege]), always)).toMatchObject([{ outcome: 'hung', problem: 'did not end within 12 s and was killed; the server answers' }]);
  expect(always.loads).toBe(2);
});

test('a load that ends well on a server that does not answer afterwards is hung: siege does not tell', async () => {
  const points = await measureSite(step([point(5)]), ports((count) => (count === 0 ? healthy : dead), () => answered));
  expect(points[0]).toMatchObject({ outcome: 'hung', transactions: 19, problem: 'the server did not answer within 3 s after the load: connect ECONNREFUSED' });
});

test('a server that needs a moment is waited for', async () => {
  const points = await measureSite(step([point(5)]), ports((count) => (count < 4 ? dead : healthy), () => answered));
  expect(points[0]?.outcome).toBe('measured');
});

test('a dead server is not tried for ever, and no load is made on it', async () => {
  const made = ports(() => dead, () => answered);
  const points = await measureSite(step([5, 10, 20, 30].map(point)), made);
  expect(points.map(({ outcome }) => outcome)).toEqual(['unhealthy', 'unhealthy', 'unhealthy', 'unhealthy']);
  expect(made.loads).toBe(0);
  expect(points[3]?.problem).toMatch(/^not tried/);
  expect(made.probed).toBeLessThan(20);
});

test('a run that is to end leaves out the points that were not begun', async () => {
  let measured = 0;
  const made = { ...ports(() => healthy, () => answered), measured: () => { measured += 1; }, stopped: () => measured === 2 };
  expect(await measureSite(step([5, 10, 20, 30].map(point)), made)).toHaveLength(2);
});

test('a load program that cannot be started is told with its words', async () => {
  const points = await measureSite(step([point(5)]), ports(() => healthy, () => ({ stdout: '', stderr: 'cannot start siege: ENOENT', code: -1, timedOut: false })));
  expect(points[0]?.problem).toBe('the load could not be measured: cannot start siege: ENOENT');
});

test('a matrix is full handshakes by siege, then resumed ones by our own client', () => {
  const all = expandMatrix({ concurrency: [5, 10, 5], resumption: 'both', crossCheck: true });
  expect(all.map(({ tool, resumption, concurrency }) => `${tool} ${resumption} ${String(concurrency)}`)).toEqual([
    'siege full 5', 'siege full 10', 'hsmfleet full 5', 'hsmfleet full 10', 'hsmfleet resumed 5', 'hsmfleet resumed 10',
  ]);
});
