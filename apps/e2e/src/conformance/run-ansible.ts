import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../fleet.ts';
import { readAnsibleOutput } from './ansible-output.ts';
import { hostsOf, unpackCase, type ConformanceCase } from './case-files.ts';
import type { CaseOutcome } from './outcome.ts';

/** Runs a case with the Ansible of this machine, its hosts being folders of this machine. */
export async function runWithAnsible(given: ConformanceCase): Promise<CaseOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-conformance-'));
  const box = `/tmp/hsmfleet-conformance/${given.name}`;
  try {
    rmSync(box, { recursive: true, force: true });
    unpackCase(given, folder, hostsOf(given.name, () => ({ ansible_connection: 'local', ansible_python_interpreter: '/usr/bin/python3' })));
    // whatever settings this machine has for Ansible, they do not count
    writeFileSync(join(folder, 'ansible.cfg'), '[defaults]\n');
    const ended = await run(['ansible-playbook', '-v', '-i', 'hosts.yml', 'site.yml', ...given.args], {
      cwd: folder,
      env: { ...process.env, ANSIBLE_NOCOLOR: '1', ANSIBLE_CONFIG: join(folder, 'ansible.cfg'), ANSIBLE_RETRY_FILES_ENABLED: '0', ANSIBLE_DEPRECATION_WARNINGS: '0', LC_ALL: 'C.UTF-8' },
      timeoutMs: 300_000,
    });
    return readAnsibleOutput(ended.stdout, ended.code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(box, { recursive: true, force: true });
  }
}
