import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { HostTarget, Transport } from '@hsmfleet/transport';
import { describeTransport, runCommand } from '@hsmfleet/transport/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSshOptionsResolver } from '@hsmfleet/ssh-config';
import { askSshConfig } from '@hsmfleet/transport-openssh';
import { checkTarget, createSshTransport as createTransport, type SshTransportOptions } from './index.ts';
import { makeKey, makeTestDir, sshdMissing, startSshd, type TestSshd } from '@hsmfleet/transport/sshd';

const missing = sshdMissing();
if (missing !== undefined) process.stderr.write(`skipped: transport-ssh against a real sshd: ${missing}\n`);
const createSshTransport = (settings: Omit<SshTransportOptions, 'resolver'> = {}): Transport => createTransport({ resolver: createSshOptionsResolver(askSshConfig), ...settings });
/** A login with /bin/sh: the shell start files of this machine's root are nobody's business here. */
const USER = `hsmf-ssh-${String(process.pid)}`;
const SUDO_PASSWORD = 'correct horse 9';

/** userdel refuses while a process of the user is still on its way out, or another program holds the password file. */
async function removeUser(name: string): Promise<void> {
  await vi.waitFor(() => { execFileSync('userdel', [name], { stdio: ['ignore', 'ignore', 'pipe'] }); }, { timeout: 10_000, interval: 250 });
}

describe.skipIf(missing !== undefined)('transport-ssh against a real sshd', () => {
  const dir = makeTestDir();
  const file = (name: string): string => join(dir.path, name);
  let sshd: TestSshd;
  let knownHosts: string;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    chmodSync(dir.path, 0o755);
    execFileSync('useradd', ['-r', '-m', '-d', file('home'), '-s', '/bin/sh', USER]);
    execFileSync('chpasswd', { input: `${USER}:${SUDO_PASSWORD}\n` });
    allow(`${USER} ALL=(ALL) NOPASSWD: ALL`);
    for (const type of ['ed25519', 'ecdsa', 'rsa']) keys[type] = makeKey(file(`id_${type}`), type);
    keys.pem = makeKey(file('id_pem'), 'rsa', '', 'PEM');
    keys.locked = makeKey(file('id_locked'), 'ed25519', 'open sesame');
    keys.stranger = makeKey(file('id_stranger'), 'ed25519');
    sshd = await startSshd(dir.path, { authorized: Object.entries(keys).filter(([name]) => name !== 'stranger').map(([, path]) => path), hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
    knownHosts = writeKnownHosts('known_hosts', sshd.knownHostsLine('ed25519'));
  }, 60_000);
  afterAll(async () => {
    await sshd.stop();
    rmSync(sudoers, { force: true });
    await removeUser(USER);
    dir.remove();
  });

  const sudoers = `/etc/sudoers.d/${USER}`;
  const allow = (rule: string): void => { writeFileSync(sudoers, `${rule}\n`, { mode: 0o440 }); };

  function writeKnownHosts(name: string, ...lines: string[]): string {
    writeFileSync(file(name), lines.join('\n'));
    return file(name);
  }
  const target = (overrides: Partial<HostTarget> & { hosts?: string; args?: string[] } = {}): HostTarget => {
    const { hosts = knownHosts, args = [], ...rest } = overrides;
    return {
      name: 'web01', address: '127.0.0.1', port: sshd.port, user: USER, identityFile: keys.ed25519 ?? '',
      sshArgs: ['-F', '/dev/null', '-o', `UserKnownHostsFile=${hosts}`, '-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'IdentityAgent=none', ...args],
      ...rest,
    };
  };
  const whoami = async (host: HostTarget, transport = createSshTransport()): Promise<string> => {
    const connection = await transport.connect(host);
    try {
      return (await runCommand(connection, 'id -un')).stdout.trim();
    } finally {
      connection.close();
    }
  };
  const failure = async (host: HostTarget, transport = createSshTransport()): Promise<HsmfleetError> => {
    const error = await whoami(host, transport).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HsmfleetError);
    return error as HsmfleetError;
  };

  describeTransport('transport-ssh', () =>
    Promise.resolve({ transport: createSshTransport(), target: target(), become: { target: target({ become: { user: 'root' } }), user: 'root' } }),
  );

  describe('host keys', () => {
    it('refuses an unknown key with its fingerprint and the command that accepts it', async () => {
      const hosts = writeKnownHosts('empty', '');
      const error = await failure(target({ hosts }));
      const fingerprint = execFileSync('ssh-keygen', ['-lf', sshd.hostKeys.ed25519 ?? '']).toString().split(' ')[1];
      expect(error.code).toBe('HOST_KEY_UNKNOWN');
      expect(error.message).toContain(fingerprint);
      const command = `ssh-keyscan -p ${String(sshd.port)} 127.0.0.1 >> ${hosts}`;
      expect(error.hint).toContain(command);
      // the command does what the message promises
      writeFileSync(hosts, execFileSync('ssh-keyscan', ['-p', String(sshd.port), '127.0.0.1'], { stdio: ['ignore', 'pipe', 'ignore'] }));
      expect(await whoami(target({ hosts }))).toBe(USER);
    });

    it('refuses an unknown key with StrictHostKeyChecking=no too', async () => {
      expect((await failure(target({ hosts: writeKnownHosts('empty2', ''), args: ['-o', 'StrictHostKeyChecking=no'] }))).code).toBe('HOST_KEY_UNKNOWN');
    });

    it('tells a changed key and where the old one stands', async () => {
      const other = makeKey(file('other_host_key'), 'ed25519');
      const line = sshd.knownHostsLine('ed25519').split(' ')[0] ?? '';
      const hosts = writeKnownHosts('changed', '# a comment', `${line} ${execFileSync('cat', [`${other}.pub`]).toString()}`);
      const error = await failure(target({ hosts }));
      expect(error.code).toBe('HOST_KEY_CHANGED');
      expect(error.message).toContain(`${hosts}:2`);
      expect(error.hint).toContain(`ssh-keygen -R '${line}' -f ${hosts}`);
    });

    it('refuses a revoked key even where it is known', async () => {
      const key = sshd.knownHostsLine('ed25519', '').trim();
      const error = await failure(target({ hosts: writeKnownHosts('revoked', sshd.knownHostsLine('ed25519'), `@revoked * ${key}`) }));
      expect(error.code).toBe('HOST_KEY_REVOKED');
    });

    it('refuses a key of RevokedHostKeys', async () => {
      writeFileSync(file('revoked_keys'), sshd.knownHostsLine('ed25519', '').trim());
      expect((await failure(target({ args: ['-o', `RevokedHostKeys=${file('revoked_keys')}`] }))).code).toBe('HOST_KEY_REVOKED');
    });

    it('finds hashed entries', async () => {
      const hosts = writeKnownHosts('hashed', sshd.knownHostsLine('ed25519'));
      execFileSync('ssh-keygen', ['-H', '-f', hosts], { stdio: 'ignore' });
      rmSync(`${hosts}.old`);
      expect(execFileSync('cat', [hosts]).toString()).toMatch(/^\|1\|/);
      expect(await whoami(target({ hosts }))).toBe(USER);
    });

    it('asks the server for the key type that known_hosts has', async () => {
      for (const type of ['ecdsa', 'rsa']) expect(await whoami(target({ hosts: writeKnownHosts(`only-${type}`, sshd.knownHostsLine(type)) }))).toBe(USER);
    });

    it('reads several known_hosts files', async () => {
      const args = ['-o', `GlobalKnownHostsFile=${knownHosts}`];
      const words = target().sshArgs?.filter((word) => !word.startsWith('GlobalKnownHostsFile') && !word.startsWith('UserKnownHostsFile')) ?? [];
      const sshArgs = [...words.filter((word, index) => word !== '-o' || words[index + 1]?.includes('=') === true), ...args, '-o', `UserKnownHostsFile=${file('nowhere')} ${file('nowhere2')}`];
      expect(await whoami({ ...target(), sshArgs })).toBe(USER);
    });

    it('leaves host certificates to OpenSSH', async () => {
      const line = `@cert-authority * ${sshd.knownHostsLine('rsa', '').trim()}`;
      const error = await failure(target({ hosts: writeKnownHosts('authority', line) }));
      expect(error).toMatchObject({ code: 'UNREACHABLE', details: { fallback: true } });
      expect(error.message).toContain('certificate');
    });
  });

  describe('keys', () => {
    it.each(['ed25519', 'ecdsa', 'rsa', 'pem'])('logs in with a key of type %s', async (type) => {
      expect(await whoami(target({ identityFile: keys[type] ?? '' }))).toBe(USER);
    });

    it('asks for the passphrase of an encrypted key once for all hosts', async () => {
      const asked: string[] = [];
      const answers = ['wrong', 'open sesame'];
      const transport = createSshTransport({ prompts: { secret: (question) => { asked.push(question); return Promise.resolve(new Secret(answers.shift() ?? '')); } } });
      const locked = target({ identityFile: keys.locked ?? '' });
      expect(await Promise.all([1, 2, 3].map(() => whoami(locked, transport)))).toEqual([USER, USER, USER]);
      expect(asked).toEqual([`passphrase for ${keys.locked ?? ''}`, `wrong, again: passphrase for ${keys.locked ?? ''}`]);
    });

    it('does not contact the host when nobody can give the passphrase', async () => {
      const connections = (): number => sshd.log().split('Connection from').length;
      const before = connections();
      expect((await failure(target({ identityFile: keys.locked ?? '' }))).code).toBe('KEY_UNREADABLE');
      expect(connections()).toBe(before);
    });

    it('has a person answer for a second factor, after the key or after the password', async () => {
      for (const [methods, password] of [['publickey,keyboard-interactive', undefined], ['keyboard-interactive,keyboard-interactive', new Secret(SUDO_PASSWORD)]] as const) {
        const strict = await startSshd(dir.path, { authorized: [keys.ed25519 ?? ''], extra: ['UsePAM yes', 'KbdInteractiveAuthentication yes', `AuthenticationMethods ${methods}`] });
        try {
          const asked: string[] = [];
          const transport = createSshTransport({ prompts: { secret: (question) => { asked.push(question); return Promise.resolve(new Secret(SUDO_PASSWORD)); } } });
          const host = { ...target({ hosts: writeKnownHosts(`factor-${String(strict.port)}`, strict.knownHostsLine('ed25519')) }), port: strict.port, ...(password === undefined ? {} : { password }) };
          expect(await whoami(host, transport)).toBe(USER);
          expect(asked).toEqual([expect.stringMatching(/^web01: .*password$/i)]);
        } finally {
          await strict.stop();
        }
      }
    });

    it('lists what was offered when the host refuses it', async () => {
      const error = await failure(target({ identityFile: keys.stranger ?? '' }));
      expect(error.code).toBe('AUTHENTICATION');
      expect(error.message).toContain(`offered key ${keys.stranger ?? ''}`);
    });

    it('checks named key files before any host is contacted', async () => {
      const code = async (identityFile: string): Promise<string> => checkTarget(target({ identityFile })).then(() => 'fine', (error: unknown) => (error as HsmfleetError).code);
      copyFileSync(keys.ed25519 ?? '', file('open'));
      chmodSync(file('open'), 0o644);
      writeFileSync(file('junk'), 'no key', { mode: 0o600 });
      expect(await code(file('missing'))).toBe('KEY_UNREADABLE');
      expect(await code(file('open'))).toBe('KEY_UNREADABLE');
      expect(await code(file('junk'))).toBe('KEY_UNREADABLE');
      expect(await code(`${keys.ed25519 ?? ''}.pub`)).toBe('KEY_UNREADABLE');
      expect(await code(keys.locked ?? '')).toBe('fine');
      expect(await code(keys.rsa ?? '')).toBe('fine');
    });

    it('uses the keys of an ssh-agent, an encrypted one without asking', async () => {
      const socket = file('agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        for (let n = 0; n < 100; n += 1) {
          try { execFileSync('ssh-add', ['-q', keys.rsa ?? ''], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' }); break; } catch { await new Promise((resolve) => setTimeout(resolve, 20)); }
        }
        writeFileSync(file('askpass'), '#!/bin/sh\necho open sesame\n', { mode: 0o700 });
        execFileSync('ssh-add', ['-q', keys.locked ?? ''], { env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: file('askpass'), SSH_ASKPASS_REQUIRE: 'force' }, stdio: 'ignore' });
        const sshArgs = [...(target().sshArgs ?? []).map((word) => (word.startsWith('IdentityAgent') ? `IdentityAgent=${socket}` : word))];
        const withoutFile = target();
        delete withoutFile.identityFile;
        expect(await whoami({ ...withoutFile, sshArgs })).toBe(USER);
        expect(await whoami({ ...target({ identityFile: keys.locked ?? '' }), sshArgs: [...sshArgs, '-o', 'IdentitiesOnly=yes'] })).toBe(USER);
      } finally {
        agent.kill();
      }
    });
  });

  describe('the way to the host', () => {
    it('takes options from an OpenSSH configuration file', async () => {
      writeFileSync(file('ssh_config'), `Host web-a\n HostName 127.0.0.1\n Port ${String(sshd.port)}\n User ${USER}\n IdentityFile ${keys.ecdsa ?? ''}\n UserKnownHostsFile ${knownHosts}\n`);
      expect(await whoami({ name: 'web-a', sshArgs: ['-F', file('ssh_config')] })).toBe(USER);
    });

    it('goes through a jump host and checks the keys of both', async () => {
      const jump = await startSshd(dir.path, { authorized: [keys.ed25519 ?? ''] });
      const through = (hosts: string): HostTarget => target({ hosts, args: ['-J', `${USER}@127.0.0.1:${String(jump.port)}`] });
      try {
        const both = writeKnownHosts('both', sshd.knownHostsLine('ed25519'), jump.knownHostsLine('ed25519'));
        const transport = createSshTransport();
        expect(await Promise.all([whoami(through(both), transport), whoami(through(both), transport)])).toEqual([USER, USER]);
        expect(jump.log().match(/Accepted publickey/g)).toHaveLength(1);
        const first = await failure(through(writeKnownHosts('no-jump', sshd.knownHostsLine('ed25519'))));
        expect([first.code, first.message.includes(String(jump.port))]).toEqual(['HOST_KEY_UNKNOWN', true]);
        const second = await failure(through(writeKnownHosts('no-target', jump.knownHostsLine('ed25519'))));
        expect([second.code, second.message.includes(String(sshd.port))]).toEqual(['HOST_KEY_UNKNOWN', true]);
        expect(second.hint).toContain('StrictHostKeyChecking=ask');
      } finally {
        await jump.stop();
      }
    });

    it('says that nothing listens on a dead port', async () => {
      const error = await failure(target({ port: 1 }));
      expect([error.code, error.hint]).toEqual(['UNREACHABLE', 'is sshd running there, and is the port right (ansible_port)?']);
    });

    it('gives up on a host that takes the connection and stays silent', async () => {
      const hole = createServer(() => undefined);
      await new Promise<void>((resolve) => { hole.listen(0, '127.0.0.1', resolve); });
      const { port } = hole.address() as { port: number };
      const started = Date.now();
      const error = await failure(target({ port, connectTimeoutMs: 300 }));
      hole.close();
      expect(error.code).toBe('UNREACHABLE');
      expect(error.message).toContain('did not finish the SSH handshake within 0.3 s');
      expect(Date.now() - started).toBeLessThan(2000);
    });

    it('tells programs as lost when the session is killed on the host', async () => {
      const connection = await createSshTransport().connect(target());
      const channel = await connection.exec('echo $PPID; exec sleep 5');
      channel.stderr.resume();
      const pid = await new Promise<number>((resolve) => { channel.stdout.once('data', (chunk: Buffer) => { resolve(Number(chunk.toString())); }); });
      process.kill(pid, 'SIGKILL');
      expect(await channel.exit).toEqual({ lost: true });
      await connection.closed;
    });

    it('notices a host that falls silent', async () => {
      const connection = await createSshTransport({ keepaliveMs: 100 }).connect(target());
      const pid = Number((await runCommand(connection, 'echo $PPID')).stdout);
      const started = Date.now();
      process.kill(pid, 'SIGSTOP');
      try {
        await connection.closed;
        expect(Date.now() - started).toBeLessThan(3000);
      } finally {
        process.kill(pid, 'SIGKILL');
      }
    });
  });

  describe('sudo', () => {
    const as = (password?: string): HostTarget => target({ become: { user: 'root', ...(password === undefined ? {} : { password: new Secret(password) }) } });
    const become = async (host: HostTarget, input = ''): Promise<string> => {
      const connection = await createSshTransport().connect(host);
      try {
        return (await runCommand(connection, 'id -un; cat', { become: true, input })).stdout;
      } finally {
        connection.close();
      }
    };
    it('becomes root without a password', async () => {
      expect(await become(as(), 'in')).toBe('root\nin');
    });

    it('keeps a password that sudo did not ask for out of the input', async () => {
      expect(await become(as(SUDO_PASSWORD), 'in')).toBe('root\nin');
    });

    it('gives the password when sudo asks', async () => {
      allow(`${USER} ALL=(ALL) ALL\nDefaults:${USER} timestamp_timeout=0`);
      expect(await become(as(SUDO_PASSWORD), 'in')).toBe('root\nin');
    });

    it('says that a password is wanted, or wrong', async () => {
      await expect(become(as())).rejects.toMatchObject({ code: 'SUDO', hint: expect.stringContaining('-K') as string });
      const error = await become(as('not this one')).catch((caught: unknown) => caught as HsmfleetError);
      expect(error).toMatchObject({ code: 'SUDO', hint: expect.stringContaining('refused') as string });
      expect(JSON.stringify((error as HsmfleetError).toShape())).not.toContain('not this one');
    });

    it('gives sudo a terminal where sudoers wants one, and changes no byte', async () => {
      allow(`Defaults:${USER} requiretty\n${USER} ALL=(ALL) NOPASSWD: ALL`);
      expect(await become(as(), 'in\r\n\u0003\u0004\u001b')).toBe('root\nin\r\n\u0003\u0004\u001b');
      allow(`Defaults:${USER} requiretty,timestamp_timeout=0,lecture=always\n${USER} ALL=(ALL) ALL`);
      expect(await become(as(SUDO_PASSWORD), 'in')).toBe('root\nin');
    });
  });
});
