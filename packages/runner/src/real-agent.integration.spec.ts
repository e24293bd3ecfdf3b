import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlannedTask } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBundle } from './model.ts';
import { createTestFleet, type TestFleet } from './testkit/fleet.ts';

const DIST = fileURLToPath(new URL('../../../apps/agent/dist/', import.meta.url));
const built = existsSync(`${DIST}manifest.json`);
if (!built) process.stderr.write('skipped: the runner with the real agent: apps/agent is not built\n');

function realBundle(): AgentBundle {
  const manifest = JSON.parse(readFileSync(`${DIST}manifest.json`, 'utf8')) as Pick<AgentBundle, 'version' | 'hash'> & { files: { name: string; sha256: string; size: number }[] };
  return { version: manifest.version, hash: manifest.hash, files: manifest.files.map((file) => ({ ...file, path: `${DIST}${file.name}` })), runtimes: new Map() };
}

const task = (id: string, resource: string, params: unknown): PlannedTask => ({ id, name: id, resource, params, position: { file: 'play.yml', line: 1, column: 1 } });

describe.skipIf(!built)('the runner with the real agent', () => {
  let fleet: TestFleet;
  beforeEach(() => { fleet = createTestFleet(false); });
  afterEach(() => { fleet.remove(); });

  it('installs it, runs plays with facts, and starts it with one exec the next time', async () => {
    const plays = () => [
      fleet.play(['web01'], {}, { plan: () => ({ gatherFacts: true, tasks: [task('0.t0', 'debug', { msg: 'hello' })] }) }),
      fleet.play(['web01'], {}, { index: 1, plan: () => ({ tasks: [task('1.t0', 'fail', { msg: 'on purpose' })] }) }),
    ];
    const first = await fleet.run(plays(), { bundle: realBundle() });
    expect(first.of('host_started')[0]?.uploaded).toEqual(['agent']);
    expect(first.of('facts')).toHaveLength(1);
    expect(first.of('task_finished').map(({ outcome }) => outcome)).toEqual(['ok', 'failed']);
    expect(first).toMatchObject({ exitCode: 2, counts: { web01: { ok: 1, failed: 1 } } });
    const second = await fleet.run([fleet.play(['web01'], {}, { plan: () => ({ run: 'run-00000002', tasks: [task('0.t0', 'debug', { msg: 'again' })] }) })], { bundle: realBundle(), run: 'run-00000002' });
    expect(second).toMatchObject({ exitCode: 0, counts: { web01: { ok: 1 } } });
    expect(second.of('host_started')[0]?.uploaded).toEqual([]);
  });

  it('reads on after a lost connection, every event once', async () => {
    const sleeping = ['0.t0', '0.t1', '0.t2'].map((id) => task(id, 'command', { argv: ['sleep', '0.2'] }));
    const run = await fleet.run([fleet.play(['web01'], {}, { plan: () => ({ tasks: sleeping }) })], {
      bundle: realBundle(),
      onEvent: (event) => { if (event.type === 'task_finished' && event.task === '0.t0') fleet.connections.get('web01')?.at(-1)?.close(); },
    });
    expect(run.of('task_finished').map(({ task: id, error }) => error?.message ?? id)).toEqual(['0.t0', '0.t1', '0.t2']);
    expect(run).toMatchObject({ exitCode: 0, counts: { web01: { ok: 3, changed: 3, unreachable: 0 } } });
  });

  it('tells who holds a busy host', async () => {
    const plan = (run: string, argv: string[]) => fleet.play(['web01'], {}, { plan: () => ({ run, tasks: [task('0.t0', 'command', { argv })] }) });
    let second: ReturnType<TestFleet['run']> | undefined;
    // the first run ends when the second has been told
    const told = join(mkdtempSync(join(tmpdir(), 'hsmfleet-busy-')), 'told');
    const first = await fleet.run([plan('run-00000001', ['sh', '-c', 'until [ -e "$0" ]; do sleep 0.05; done', told])], {
      bundle: realBundle(),
      onEvent: (event) => { if (event.type === 'task_started') second ??= fleet.run([plan('run-00000002', ['true'])], { bundle: realBundle(), run: 'run-00000002' }).finally(() => { writeFileSync(told, ''); }); },
    });
    rmSync(dirname(told), { recursive: true });
    expect(first.exitCode).toBe(0);
    expect((await second)?.of('task_finished')[0]?.error).toMatchObject({ code: 'HOST_BUSY', details: { run: 'run-00000001', user: 'alice' } });
  });
});
