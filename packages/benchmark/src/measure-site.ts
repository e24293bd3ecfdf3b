import type { BenchmarkOutcome, SiegePoint } from '@hsmfleet/contract';
import type { Handshake, HandshakeTarget, LoadPoint, MeasureSite } from '@hsmfleet/resource';
import { availabilityOf, NO_NUMBERS, parseTlsLoad, type LoadNumbers, type TlsLoadRequest } from './load.ts';
import { parseSiege, siegeCommand, type LoadCommand } from './siege.ts';

/** How a load program ended. */
export interface LoadEnd {
  stdout: string;
  stderr: string;
  /** -1 when it could not be started. */
  code: number;
  /** It was killed at its deadline, with everything it had started. */
  timedOut: boolean;
}

/** What measuring needs of the machine that makes the load. */
export interface LoadPorts {
  /** A real handshake, and a page. Never throws. */
  probe(target: HandshakeTarget): Promise<Handshake>;
  /** Runs a program with its files in a private folder, in a process group of its own that is killed at the deadline. Never throws. */
  run(command: LoadCommand, deadlineMs: number): Promise<LoadEnd>;
  /** Program and arguments of our own load client. */
  loadClient: readonly string[];
  /** Is this machine's user root? */
  root: boolean;
  sleep(ms: number): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Gets each point as soon as it is measured; `host` is empty in it. */
  measured(point: SiegePoint): void;
  /** The run is to end: the points that were not begun are left out. */
  stopped?(): boolean;
}

/** After so many unhealthy points in a row the rest of the site is not tried: a dead server stays dead. */
const GIVE_UP_AFTER = 2;
const PROBE_MS = 5_000;
const PROBE_PAUSE_MS = 500;

/**
 * Measures the points of one site, one after the other.
 *
 * Every point begins with a healthy server: a real handshake and a page. And it ends with one, since siege ends in time and
 * with 100 % even when the server hung in the middle: what is not answered when the time is over is not counted by it. A
 * server that does not answer afterwards within its patience makes the point a hung one. Nothing restarts the server.
 */
export async function measureSite(step: MeasureSite, ports: LoadPorts): Promise<SiegePoint[]> {
  const points: SiegePoint[] = [];
  let healthy: Handshake | undefined;
  let unhealthy = 0;
  for (const point of step.points) {
    if (ports.stopped?.() === true) break;
    const at = new Date(ports.now()).toISOString();
    let before = healthy;
    healthy = undefined;
    if (before === undefined && unhealthy < GIVE_UP_AFTER) before = await awaitHealth(step, ports);
    if (before?.ok !== true) {
      unhealthy += 1;
      const problem = before === undefined ? 'not tried: the server did not answer before the points before this one' : `the server did not answer before the load: ${before.problem ?? 'no reason given'}`;
      points.push(tell(ports, describe(step, point, at, before, 'unhealthy', { ...NO_NUMBERS, problem })));
      continue;
    }
    unhealthy = 0;
    let { ended, numbers } = await load(step, point, ports);
    let after = await awaitHealth(step, ports);
    if (point.tool === 'siege' && ended.timedOut && after.ok) {
      ({ ended, numbers } = await loadByCount(step, point, ports));
      after = await awaitHealth(step, ports);
    }
    if (after.ok) healthy = after;
    points.push(tell(ports, describe(step, point, at, before, ...judge(step, ended, numbers, after))));
  }
  return points;
}

function tell(ports: LoadPorts, point: SiegePoint): SiegePoint {
  ports.measured(point);
  return point;
}

/** Probes until the server answers or its patience is over. */
async function awaitHealth(step: MeasureSite, ports: LoadPorts): Promise<Handshake> {
  const until = ports.now() + step.patienceS * 1_000;
  for (;;) {
    const seen = await ports.probe({ ...step.target, path: step.paths[0] ?? '/', timeoutMs: Math.min(PROBE_MS, Math.max(1_000, step.patienceS * 1_000)) });
    if (seen.ok || ports.now() >= until) return seen;
    await ports.sleep(PROBE_PAUSE_MS);
  }
}

const TRIAL_REPETITIONS = 2;
/** Of the time asked for, so that a server that turns out slower than the trial does not run into the deadline. */
const COUNTED_SHARE = 0.8;

/**
 * siege ends its users by force when its time is over, and then gets stuck on a healthy server, at 40 users every other time.
 * Told how often each user is to ask, it ends by itself: a short trial says how often fits into the time.
 */
async function loadByCount(step: MeasureSite, point: LoadPoint, ports: LoadPorts): Promise<Load> {
  const trial = await load(step, point, ports, TRIAL_REPETITIONS);
  if (trial.ended.timedOut || trial.numbers === undefined || trial.numbers.transactions === 0) return trial;
  const perTrial = Math.max(0.01, trial.numbers.elapsedS);
  return load(step, point, ports, Math.max(1, Math.round((TRIAL_REPETITIONS * step.seconds * COUNTED_SHARE) / perTrial)));
}

interface Load {
  ended: LoadEnd;
  numbers: LoadNumbers | undefined;
}

async function load(step: MeasureSite, point: LoadPoint, ports: LoadPorts, repetitions?: number): Promise<Load> {
  const { concurrency } = point;
  const { paths, seconds, delayS, deadlineS } = step;
  const { address, serverName, port } = step.target;
  if (point.tool === 'siege') {
    const ended = await ports.run(siegeCommand({ address, serverName, port, paths, concurrency, seconds, delayS, ...(repetitions === undefined ? {} : { repetitions }) }, ports.root), deadlineS * 1_000);
    return { ended, numbers: parseSiege(ended.stdout, ended.stderr) };
  }
  const request: TlsLoadRequest = { address, port, serverName, paths, concurrency, seconds, delayS, resumption: point.resumption };
  const ended = await ports.run({ argv: [...ports.loadClient], env: {}, files: {}, stdin: JSON.stringify(request) }, deadlineS * 1_000);
  return { ended, numbers: parseTlsLoad(ended.stdout) };
}

/** What a load came to. */
function judge(step: MeasureSite, ended: LoadEnd, counted: LoadNumbers | undefined, after: Handshake): [BenchmarkOutcome, LoadNumbers] {
  const numbers = counted ?? NO_NUMBERS;
  if (ended.timedOut) return ['hung', { ...numbers, problem: `did not end within ${String(step.deadlineS)} s and was killed${after.ok ? '; the server answers' : ''}` }];
  if (counted === undefined) {
    const said = ended.stderr.trim().split('\n').at(-1) ?? '';
    return ['hung', { ...numbers, problem: `the load could not be measured: ${said === '' ? `exit code ${String(ended.code)}` : said.slice(0, 300)}` }];
  }
  if (!after.ok) return ['hung', { ...numbers, problem: `the server did not answer within ${String(step.patienceS)} s after the load: ${after.problem ?? 'no reason given'}` }];
  if (numbers.transactions + numbers.failed === 0) return ['hung', { ...numbers, problem: `nothing was answered within ${String(step.seconds)} s` }];
  return ['measured', numbers];
}

function describe(step: MeasureSite, point: LoadPoint, at: string, seen: Handshake | undefined, outcome: BenchmarkOutcome, numbers: LoadNumbers): SiegePoint {
  const fingerprint = seen?.keyFingerprint ?? null;
  const known = fingerprint === null ? undefined : step.keys[fingerprint];
  const served = seen?.key;
  return {
    kind: 'siege',
    at,
    host: '',
    ...step.of,
    tool: point.tool,
    path: step.paths.join(','),
    tlsProtocol: seen?.protocol ?? null,
    module: known?.module ?? null,
    token: known?.token ?? null,
    key: known === undefined ? { fingerprint, label: step.configuredKey, type: served?.type ?? null, bits: served?.bits ?? null, curve: served?.curve ?? null } : {
      ...known.key, type: known.key.type ?? served?.type ?? null, bits: known.key.bits ?? served?.bits ?? null, curve: known.key.curve ?? served?.curve ?? null,
    },
    concurrency: point.concurrency,
    delayS: step.delayS,
    seconds: step.seconds,
    resumption: point.resumption,
    outcome,
    ...numbers,
    availability: availabilityOf(numbers),
  };
}
