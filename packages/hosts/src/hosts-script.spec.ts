import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockedSecret, Secret, type HsmfleetError } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHostsScript, scriptEnvironment } from './hosts-script.ts';
import { loadHosts } from './load-hosts.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hosts-script-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function script(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

async function failure(promise: Promise<unknown>): Promise<HsmfleetError> {
  return promise.then(() => { throw new Error('it did not fail'); }, (thrown: unknown) => thrown as HsmfleetError);
}

describe('a program that lists hosts', () => {
  it('gets what programs need of the environment, and what is named for it', () => {
    const environment = { PATH: '/bin', HOME: '/root', LC_ALL: 'C', TOKEN_PIN: '648219', AWS_PROFILE: 'a', AWS_REGION: 'b', NETBOX_TOKEN: 'c', https_proxy: 'd' };
    expect(scriptEnvironment(environment)).toEqual({ PATH: '/bin', HOME: '/root', LC_ALL: 'C', https_proxy: 'd' });
    expect(scriptEnvironment({ ...environment, HSMFLEET_HOSTS_ENV: 'AWS_* NETBOX_TOKEN' })).toEqual({
      PATH: '/bin', HOME: '/root', LC_ALL: 'C', https_proxy: 'd', AWS_PROFILE: 'a', AWS_REGION: 'b', NETBOX_TOKEN: 'c',
    });
  });

  it('is run without a shell and without input', async () => {
    const path = script('a name; with $(touch x)', 'cat; printf "%s|" "$0" "$@"');
    expect(await runHostsScript(path, ['--host', 'a b; id'])).toEqual({ stdout: `${path}|--host|a b; id|`, stderr: '' });
  });

  it('is ended at its deadline, with all that it started', async () => {
    const path = script('slow', 'echo waiting for the cloud >&2; sleep 60 & wait');
    const started = Date.now();
    expect(await failure(runHostsScript(path, ['--list'], { deadlineMs: 300 }))).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('0.3 seconds') as string, hint: 'it wrote: waiting for the cloud' });
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('may answer so much and no more', async () => {
    expect(await failure(runHostsScript(script('endless', 'yes'), ['--list'], { maxOutput: 100_000 }))).toMatchObject({ code: 'HOSTS_INVALID', message: expect.stringContaining('more than 100000 bytes') as string });
  });

  it('that fails is quoted', async () => {
    expect(await failure(loadHosts([script('fails', 'echo no credentials >&2; exit 3')]))).toMatchObject({ code: 'HOSTS_INVALID', message: expect.stringContaining('ended with exit code 3') as string, hint: 'it wrote: no credentials' });
  });

  it('that answers no JSON is not quoted: there may be secrets in it', async () => {
    const error = await failure(loadHosts([script('broken', 'echo \'{"web": {"hosts": ["a"], "vars": {"pin": "648219", }}}\'')]));
    expect(error).toMatchObject({ code: 'HOSTS_INVALID', message: expect.stringMatching(/is no JSON \(line 1, column \d+ of it\)$/) as string });
    expect(error.message + String(error.hint)).not.toContain('648219');
  });

  it('has what it encrypted opened, and what it wrote told', async () => {
    const path = script('vault', 'echo careful >&2; echo \'{"web": ["a"], "_meta": {"hostvars": {"a": {"pin": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256"}}}}}\'');
    const model = await loadHosts([path], { vault: { open: () => Promise.resolve({ plaintext: Buffer.from('648219') }) } });
    expect(model.find('a')?.vars).toEqual({ pin: new Secret('648219', 'vault:vault') });
    expect(model.warnings).toEqual([`${path} wrote: careful`]);
    const locked = (await loadHosts([path])).find('a')?.vars.pin;
    expect(locked).toBeInstanceOf(LockedSecret);
    expect(() => (locked as LockedSecret).reveal()).toThrow(/vault: it is encrypted with Ansible Vault, and no vault password is given/);
  });

  it.each(['{"web": {"vars": {"__proto__": 1}}}', '{"_meta": {"hostvars": {"a": {"__proto__": {"x": 1}}}}, "web": ["a"]}'])('cannot reach what objects have in common: %s', async (answer) => {
    expect(await failure(loadHosts([script('proto', `echo '${answer}'`)]))).toMatchObject({ code: 'HOSTS_INVALID' });
  });
});
