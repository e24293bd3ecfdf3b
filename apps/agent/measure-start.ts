// How long the agent takes on this machine:  node measure-start.ts [RUNS] [NODE]
// One line of JSON with medians in milliseconds: from spawn to hello, from spawn to the first event of the plan (facts),
// from there to `done` for 20 light tasks that change nothing, and `bare`, a Node that does nothing.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlannedTask } from '@hsmfleet/contract';
import { AgentProcess } from './src/agent-process.ts';
import { plan, task } from './src/test-plan.ts';

const runs = Number(process.argv[2] ?? 15);
const node = process.argv[3] ?? process.execPath;
const agentJs = fileURLToPath(new URL('dist/agent.js', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'hsmfleet-measure-'));
const conf = join(work, 'conf');

const light: PlannedTask[] = [task('0.t0', 'file', { path: conf, state: 'directory', mode: '0755' })];
for (let n = 1; n <= 6; n += 1) {
  const text = { $template: '# {{ ansible_hostname }}\n{% for n in [1, 2, 3] %}\nListen {{ port + n }}\n{% endfor %}\n' };
  light.push(task(`0.t${String(n)}`, 'template', { src: 't.j2', dest: join(conf, `t${String(n)}.conf`), mode: '0644' }, { inputs: { src: { kind: 'template', name: 't.j2', text } } }));
}
for (let n = 7; n <= 13; n += 1) light.push(task(`0.t${String(n)}`, 'stat', { path: '/etc/hostname' }, { register: 'st' }));
for (let n = 14; n <= 18; n += 1) light.push(task(`0.t${String(n)}`, 'file', { path: join(conf, 't1.conf'), owner: 'root', group: 'root', mode: '0644' }));
light.push(task('0.t19', 'assert', { that: [{ $expression: 'st.stat.exists' }] }));

const samples: Record<'bare' | 'hello' | 'accepted' | 'tasks' | 'total', number[]> = { bare: [], hello: [], accepted: [], tasks: [], total: [] };
for (let round = 0; round <= runs; round += 1) {
  const bare = performance.now();
  execFileSync(node, ['-e', '0']);
  const begin = performance.now();
  const agent = new AgentProcess(node, agentJs, join(work, 'state'));
  agent.send({ type: 'plan', plan: plan(`measure-${String(round).padStart(4, '0')}`, light, { vars: { port: 8000 } }) });
  await agent.frame('hello');
  const hello = performance.now();
  await agent.event('facts');
  const accepted = performance.now();
  const { status } = await agent.frame('done');
  const done = performance.now();
  agent.send({ type: 'bye' });
  await agent.exited;
  if (status !== 'ok') throw new Error(`the light run ended ${status}: ${JSON.stringify(agent.events.filter((event) => event.type === 'task_finished' && event.outcome === 'failed'))}`);
  if (round === 0) continue; // it makes the files that later rounds find
  samples.bare.push(begin - bare);
  samples.hello.push(hello - begin);
  samples.accepted.push(accepted - begin);
  samples.tasks.push(done - accepted);
  samples.total.push(performance.now() - begin);
}
rmSync(work, { recursive: true, force: true });
const median = (values: number[]) => Math.round((values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN) * 10) / 10;
process.stdout.write(`${JSON.stringify({ node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(), runs, ...Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)])) })}\n`);
