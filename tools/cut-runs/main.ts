import { parseArgs } from 'node:util';
import { cutOf, cutRun, type CutResult } from '../../apps/e2e/src/cut-runs.ts';
import { Desk, Fleet } from '../../apps/e2e/src/fleet.ts';

/*
 * Many runs on hosts of their own, each with a cut of the network at a random moment:
 *   node tools/cut-runs/main.ts --runs 100                      # cuts of 1, 10 and 60 seconds; needs root
 *   node tools/cut-runs/main.ts --runs 1 --seed 17              # one of them again
 * Says for each run what was lost and found again, and at the end whether a task ran twice or was lost, on any host.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '1,10,60' },
  },
});
const HOSTS_PER_LANE = 2;
/** About how long a run takes when nothing is cut, milliseconds: cuts fall into it, and a little after it. */
const RUN_MS = 14_000;
const PAUSE_SECONDS = 0.5;

const lanes = Number(values.lanes);
const seeds = Array.from({ length: Number(values.runs) }, (_, index) => Number(values.seed) + index);
const lengths = values.seconds.split(',').map((text) => Number(text) * 1_000);
const fleet = new Fleet('ct', 31, lanes * HOSTS_PER_LANE);
const results: CutResult[] = [];
const started = Date.now();
try {
  await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
    const desk = new Desk(fleet);
    const hosts = fleet.hosts.slice(lane * HOSTS_PER_LANE, (lane + 1) * HOSTS_PER_LANE);
    try {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const result = await cutRun(fleet, desk, cutOf(seed, hosts, lengths, RUN_MS), PAUSE_SECONDS);
        results.push(result);
        const { lengthMs, atMs, cut, kill, lost, resumed, tookMs, problems } = result;
        process.stdout.write(`seed ${String(seed)}: ${String(lengthMs / 1_000)} s after ${(atMs / 1_000).toFixed(1)} s on ${cut.join(' ')}${kill ? ', connections killed' : ''}: ${String(lost)} found again, ${String(resumed)} times taken up, ${(tookMs / 1_000).toFixed(1)} s${problems.map((text) => `\n  PROBLEM ${text}`).join('')}\n`);
      }
    } finally {
      desk.remove();
    }
  }));
} finally {
  fleet.down();
}
const sum = (of: (result: CutResult) => number): number => results.reduce((total, result) => total + of(result), 0);
const bad = results.filter(({ problems }) => problems.length > 0);
process.stdout.write(`${[
  `${String(results.length)} runs in ${((Date.now() - started) / 60_000).toFixed(1)} min, ${String(sum(({ hosts }) => hosts.length))} hosts in them, ${String(sum(({ cut }) => cut.length))} cut off`,
  ...lengths.map((length) => `cuts of ${String(length / 1_000)} s: ${String(results.filter(({ lengthMs }) => lengthMs === length).length)}`),
  `connections lost and found again: ${String(sum(({ lost }) => lost))}`,
  `runs taken up again with --resume: ${String(results.filter(({ resumed }) => resumed > 0).length)}`,
  `runs with a task twice, a task lost, or a recap unlike the journals: ${String(bad.length)}${bad.length === 0 ? '' : ` (seeds ${bad.map(({ seed }) => seed).join(' ')})`}`,
].join('\n')}\n`);
process.exitCode = bad.length === 0 ? 0 : 1;
