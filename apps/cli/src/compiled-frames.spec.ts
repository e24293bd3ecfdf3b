import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentFrameProblem } from '@hsmfleet/contract/wire-validator';

/* The built program judges frames with code made ahead of time: it has to judge as the schema does. */
let folder: string;
let compiled: (frame: unknown) => string | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-frames-'));
  const plugin = new URL('../bundle/compiled-frames.mjs', import.meta.url);
  const { frameValidator } = (await import(plugin.href)) as { frameValidator: () => string };
  writeFileSync(join(folder, 'in.mjs'), frameValidator());
  const outfile = join(folder, 'out.mjs');
  await build({ entryPoints: [join(folder, 'in.mjs')], bundle: true, format: 'esm', platform: 'node', outfile, nodePaths: [fileURLToPath(new URL('../node_modules', import.meta.url))] });
  ({ agentFrameProblem: compiled } = (await import(pathToFileURL(outfile).href)) as { agentFrameProblem: typeof compiled });
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const base = { seq: 1, at: '2026-01-02T03:04:05.000Z', run: 'run-00000001', host: 'web1' };
const event = (more: object): object => ({ type: 'event', event: { ...base, ...more } });
const task = {
  type: 'task_finished', task: '0.t0', name: 'n', resource: 'file', handler: false, outcome: 'ok', ignored: false, durationMs: 1, changes: [], warnings: [], diffs: [],
};
const report = { host: 'web1', at: 'x', modules: [], nssDatabases: [], sites: [], disturbed: null, evidence: 'live', errors: [] };

describe('frames of an agent', () => {
  it.each<[string, unknown, boolean]>([
    ['hello', { type: 'hello', protocol: 1, agent: '0.1.0', node: 'v24', platform: 'linux-x64-glibc', capabilities: [] }, true],
    ['a task', event(task), true],
    ['a task with an error and a place', event({ ...task, outcome: 'failed', error: { code: 'X', message: 'm', details: { a: 1 } }, position: { file: 'f', line: 1, column: 1 } }), true],
    ['an inventory', event({ type: 'inventory', report }), true],
    ['an inventory with an unknown key', event({ type: 'inventory', report: { ...report, more: 1 } }), false],
    ['a task without its outcome', event({ ...task, outcome: undefined }), false],
    ['an outcome that is none', event({ ...task, outcome: 'fine' }), false],
    ['a place before the first line', event({ ...task, position: { file: 'f', line: 0, column: 1 } }), false],
    ['a further key', { type: 'hello', protocol: 1, agent: 'a', node: 'v', platform: 'p', capabilities: [], more: 1 }, false],
    ['an event of no known type', event({ type: 'nonsense' }), false],
    ['a hash that is none', { type: 'need_blobs', sha256: ['xyz'] }, false],
    ['done', { type: 'done', play: 0, status: 'ok' }, true],
    ['no type', {}, false], ['null', null, false], ['a list', [], false], ['text', 'hello', false],
  ])('%s', (_name, frame, good) => {
    const json: unknown = JSON.parse(JSON.stringify(frame));
    expect({ compiled: compiled(json) === undefined, schema: agentFrameProblem(json) === undefined }).toEqual({ compiled: good, schema: good });
  });
});
