import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { createSshOptionsResolver } from '@hsmfleet/ssh-config';
import type { HostTarget } from '@hsmfleet/transport';
import { makeKey, makeTestDir, sshdMissing, startSshd, type TestSshd } from '@hsmfleet/transport/sshd';
import { describeTransport, runCommand } from '@hsmfleet/transport/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askSshConfig, createOpenSshTransport } from './index.ts';

const missing = sshdMissing();
if (missing !== undefined) process.stderr.write(`skipped: transport-openssh against a real sshd: ${missing}\n`);
const USER = `hsmf-ossh-${String(process.pid)}`;
const PASSWORD = 'correct horse 9';

describe.skipIf(missing !== undefined)('transport-openssh against a real sshd', () => {
  const dir = makeTestDir();
  const file = (name: string): string => join(dir.path, name);
  const sudoers = `/etc/sudoers.d/${USER}`;
  let sshd: TestSshd;
  let knownHosts: string;
  let key: string;

  beforeAll(async () => {
    chmodSync(dir.path, 0o755);
    execFileSync('useradd', ['-r', '-m', '-d', file('home'), '-s', '/bin/sh', USER]);
    // a user without a password counts as locked
    execFileSync('chpasswd', { input: `${USER}:${PASSWORD}\n` });
    writeFileSync(sudoers, `${USER} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
    key = makeKey(file('id'), 'ed25519');
    sshd = await startSshd(dir.path, { authorized: [key] });
    knownHosts = file('known_hosts');
    writeFileSync(knownHosts, sshd.knownHostsLine('ed25519'));
  }, 60_000);
  afterAll(async () => {
    await sshd.stop();
    rmSync(sudoers, { force: true });
    await vi.waitFor(() => { execFileSync('userdel', [USER], { stdio: ['ignore', 'ignore', 'pipe'] }); }, { timeout: 10_000, interval: 250 });
    dir.remove();
  });

  const create = () => createOpenSshTransport({ resolver: createSshOptionsResolver(askSshConfig) });
  const target = (overrides: Partial<HostTarget> & { hosts?: string; args?: string[] } = {}): HostTarget => {
    const { hosts = knownHosts, args = [], ...rest } = overrides;
    return {
      name: 'web01', address: '127.0.0.1', port: sshd.port, user: USER, identityFile: key,
      sshArgs: ['-F', '/dev/null', '-o', `UserKnownHostsFile=${hosts}`, '-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'IdentityAgent=none', ...args],
      ...rest,
    };
  };
  const whoami = async (host: HostTarget): Promise<string> => {
    const connection = await create().connect(host);
    try {
      return (await runCommand(connection, 'id -un')).stdout.trim();
    } finally {
      connection.close();
      await connection.closed;
    }
  };
  const failure = async (host: HostTarget): Promise<HsmfleetError> => {
    const error = await whoami(host).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HsmfleetError);
    return error as HsmfleetError;
  };

  describeTransport('transport-openssh', () =>
    Promise.resolve({ transport: create(), target: target(), become: { target: target({ become: { user: 'root' } }), user: 'root' } }),
  );

  it('refuses an unknown key with its fingerprint, whatever StrictHostKeyChecking says', async () => {
    writeFileSync(file('empty'), '');
    const error = await failure(target({ hosts: file('empty'), args: ['-o', 'StrictHostKeyChecking=no'] }));
    expect(error.code).toBe('HOST_KEY_UNKNOWN');
    expect(error.message).toContain(execFileSync('ssh-keygen', ['-lf', sshd.hostKeys.ed25519 ?? '']).toString().split(' ')[1]);
    expect(error.message).toContain('is not heard');
    expect(execFileSync('cat', [file('empty')]).toString()).toBe('');
  });

  it('tells a changed key', async () => {
    const other = makeKey(file('other'), 'ed25519');
    writeFileSync(file('changed'), `[127.0.0.1]:${String(sshd.port)} ${execFileSync('cat', [`${other}.pub`]).toString()}`);
    expect(await failure(target({ hosts: file('changed') }))).toMatchObject({ code: 'HOST_KEY_CHANGED' });
  });

  it('tells a refused login and a closed port', async () => {
    expect((await failure(target({ identityFile: makeKey(file('stranger'), 'ed25519') }))).code).toBe('AUTHENTICATION');
    expect((await failure(target({ port: 1 }))).message).toMatch(/refused/i);
  });
});
