import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HsmfleetErrors, tasksIn, type HsmfleetError, type Plan, type PlannedTask } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { compilePlaybook, type CompiledPlaybook, type CompileOptions } from './index.ts';
import { testResources } from './test-resources.ts';

const HOSTS = 'web:\n  hosts:\n    a: {n: 1, pin: !secret file:pin}\n    b: {n: 2}\n  vars: {level: group, port: 443}\ndb:\n  hosts: {c: }\n';

/** A playbook in a folder of its own, with files beside it. */
export function writePlaybook(playbook: string, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'playbook-'));
  for (const [name, text] of Object.entries({ 'site.yml': playbook, 'hosts.yml': HOSTS, pin: '648219\n', ...files })) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
  return join(folder, 'site.yml');
}

/** Compiles a playbook for the hosts a, b (group web) and c (group db). */
export async function compile(playbook: string, files: Record<string, string> = {}, options: Partial<CompileOptions> = {}): Promise<CompiledPlaybook> {
  const path = writePlaybook(playbook, files);
  const hosts = await loadHosts([join(dirname(path), 'hosts.yml')]);
  return compilePlaybook({ playbook: path, hosts, check: false, diff: false, run: 'run-00000001', user: 'tester', resources: testResources, ...options });
}

/** Tasks of the first play for one host. */
export async function tasksOf(playbook: string, host = 'a', files: Record<string, string> = {}, options: Partial<CompileOptions> = {}): Promise<PlannedTask[]> {
  const compiled = await compile(playbook, files, options);
  return tasksOfPlan(compiled.plays[0]?.plans.get(host));
}

/** The tasks of a plan, wherever they stand in it. */
export function tasksOfPlan(plan: Plan | undefined): PlannedTask[] {
  return [...tasksIn(plan?.tasks ?? [])];
}

/** What is wrong with a playbook. */
export async function mistakesOf(playbook: string, files: Record<string, string> = {}, options: Partial<CompileOptions> = {}): Promise<HsmfleetError[]> {
  try {
    await compile(playbook, files, options);
    return [];
  } catch (thrown) {
    return thrown instanceof HsmfleetErrors ? [...thrown.errors] : [thrown as HsmfleetError];
  }
}
