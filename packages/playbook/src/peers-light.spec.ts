import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { controlFrameProblem } from '@hsmfleet/contract/wire-validator';
import { loadHosts } from '@hsmfleet/hosts';
import { describe, expect, it } from 'vitest';
import { compilePlaybook } from './index.ts';
import { tasksOfPlan } from './test-playbook.ts';

const playbook = fileURLToPath(new URL('testdata/peers-light/light.yml', import.meta.url));

describe('the playbook of the speed comparison', () => {
  it('compiles unchanged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'light-'));
    writeFileSync(join(folder, 'hosts.yml'), 'webservers:\n  hosts:\n    w[01:20]:\n');
    const hosts = await loadHosts([join(folder, 'hosts.yml')]);
    const options = { playbook, hosts, check: false, diff: false, run: 'run-00000001', user: 'tester' };
    const { plays, blobs } = await compilePlaybook(options);
    const plan = plays[0]?.plans.get('w07');
    expect(tasksOfPlan(plan)).toHaveLength(20);
    expect(controlFrameProblem({ type: 'plan', plan })).toBeUndefined();
    expect(tasksOfPlan(plan)[0]?.params).toEqual({ path: '/etc/apache2/fleet', state: 'directory', mode: '0755' });
    expect(tasksOfPlan(plan)[1]?.inputs).toEqual({ src: { kind: 'blob', blob: expect.objectContaining({ name: 'files/blob100k.bin' }) as unknown } });
    expect(tasksOfPlan(plan)[2]?.inputs?.src).toMatchObject({ kind: 'template', text: { $template: expect.stringContaining("ansible_facts['hostname']") as string } });
    expect(tasksOfPlan(plan)[13]?.params).toEqual({ that: [{ $expression: 'st.stat.exists', at: expect.objectContaining({ line: 19 }) as unknown }], quiet: true });
    expect(tasksOfPlan(plan)[15]).toMatchObject({ params: { _raw_params: 'readlink /etc/apache2/mods-enabled/status.load' }, changedWhen: [false] });
    expect(Object.keys(plan?.vars ?? {})).toEqual(['domain', 'vhosts']);
    expect(blobs.size).toBe(1);

    const started = performance.now();
    await compilePlaybook(options);
    const milliseconds = performance.now() - started;
    process.stderr.write(`20 tasks for 20 hosts compiled in ${milliseconds.toFixed(0)} ms\n`);
    expect(milliseconds).toBeLessThan(1000);
  });
});
