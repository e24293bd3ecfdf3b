import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { Connection, HostTarget } from '@hsmfleet/transport';
import { makeKey, makeTestDir, sshdMissing, startSshd, type TestSshd } from '@hsmfleet/transport/sshd';
import { runCommand } from '@hsmfleet/transport/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTransports } from './host-transports.ts';

const missing = sshdMissing();
if (missing !== undefined) process.stderr.write(`skipped: transports against servers of many kinds: ${missing}\n`);
const USER = `hsmf-ways-${String(process.pid)}`;
const PASSWORD = 'a login word';

describe.skipIf(missing !== undefined)('reaching hosts of many kinds', () => {
  const dir = makeTestDir();
  const file = (name: string): string => join(dir.path, name);
  const servers: TestSshd[] = [];
  let key: string;
  let plain: TestSshd;
  let knownHosts: string;

  const serve = async (extra: string[] = [], hostKeyTypes?: string[]): Promise<TestSshd> => {
    const server = await startSshd(dir.path, { authorized: [key], extra, ...(hostKeyTypes === undefined ? {} : { hostKeyTypes }) });
    servers.push(server);
    return server;
  };
  const write = (name: string, ...lines: string[]): string => {
    writeFileSync(file(name), `${lines.join('\n')}\n`);
    return file(name);
  };
  const keygen = (...words: string[]): void => { execFileSync('ssh-keygen', ['-q', ...words], { stdio: ['ignore', 'ignore', 'pipe'] }); };
  const publicKey = (path: string): string => readFileSync(`${path}.pub`, 'utf8').trim();

  beforeAll(async () => {
    chmodSync(dir.path, 0o755);
    execFileSync('useradd', ['-r', '-m', '-d', file('home'), '-s', '/bin/sh', USER]);
    execFileSync('chpasswd', { input: `${USER}:${PASSWORD}\n` });
    key = makeKey(file('id'), 'ed25519');
    plain = await serve();
    knownHosts = write('known_hosts', plain.knownHostsLine('ed25519').trim());
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await vi.waitFor(() => { execFileSync('userdel', [USER], { stdio: ['ignore', 'ignore', 'pipe'] }); }, { timeout: 10_000, interval: 250 });
    dir.remove();
  });

  const target = (server: TestSshd, overrides: Partial<HostTarget> & { hosts?: string; args?: string[] } = {}): HostTarget => {
    const { hosts = write(`known-${String(server.port)}`, server.knownHostsLine('ed25519').trim()), args = [], ...rest } = overrides;
    return {
      name: 'web01', connection: 'ssh', address: '127.0.0.1', port: server.port, user: USER, identityFile: key,
      sshArgs: ['-F', '/dev/null', '-o', `UserKnownHostsFile=${hosts}`, '-o', 'GlobalKnownHostsFile=/dev/null', ...(args.some((word) => word.startsWith('IdentityAgent')) ? [] : ['-o', 'IdentityAgent=none']), ...args],
      ...rest,
    };
  };
  const connect = async (host: HostTarget): Promise<{ user: string; notes: string }> => {
    const connection: Connection = await createTransports()(host).connect(host);
    try {
      return { user: (await runCommand(connection, 'id -un')).stdout.trim(), notes: (connection.notes ?? []).join() };
    } finally {
      connection.close();
      await connection.closed;
    }
  };
  const failure = async (host: HostTarget): Promise<HsmfleetError> => {
    const error = await connect(host).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HsmfleetError);
    return error as HsmfleetError;
  };

  describe('what ssh2 cannot do is done by OpenSSH, with a note', () => {
    it('post-quantum key exchange alone', async () => {
      const server = await serve(['KexAlgorithms sntrup761x25519-sha512@openssh.com']);
      expect(await connect(target(server))).toEqual({ user: USER, notes: expect.stringMatching(/system's ssh: .*no matching key exchange/) as string });
      expect((await failure(target(server, { connection: 'ssh2' }))).message).toContain('no matching key exchange');
      expect(await connect(target(server, { connection: 'openssh' }))).toEqual({ user: USER, notes: '' });
    });

    it('host certificates: principals, validity, revoked keys', async () => {
      const authority = makeKey(file('host_ca'), 'ed25519');
      const stranger = makeKey(file('other_ca'), 'ed25519');
      const host = makeKey(file('certified'), 'ed25519');
      const sign = async (...words: string[]): Promise<TestSshd> => {
        const own = file(`certified-${String(servers.length)}`);
        copyFileSync(host, own);
        copyFileSync(`${host}.pub`, `${own}.pub`);
        keygen('-s', authority, '-I', 'host', '-h', ...words, `${own}.pub`);
        return serve([`HostKey ${own}`, `HostCertificate ${own}-cert.pub`], []);
      };
      const trust = (...more: string[]): string => write(`ca-${String(more.length)}`, `@cert-authority 127.0.0.1,[127.0.0.1]:* ${publicKey(authority)}`, ...more);
      const good = await sign('-n', '127.0.0.1', '-V', '+1d');
      expect(await connect(target(good, { hosts: trust() }))).toEqual({ user: USER, notes: expect.stringContaining('certificate') as string });
      expect((await failure(target(good, { hosts: write('other', `@cert-authority * ${publicKey(stranger)}`) }))).code).toBe('HOST_KEY_UNKNOWN');
      expect((await failure(target(good, { hosts: trust(`@revoked * ${publicKey(host)}`) }))).code).toBe('HOST_KEY_REVOKED');
      expect((await failure(target(await sign('-n', 'somebody.else', '-V', '+1d'), { hosts: trust() }))).code).toBe('HOST_KEY_UNKNOWN');
      const expired = await failure(target(await sign('-n', '127.0.0.1', '-V', '20200101:20200102'), { hosts: trust() }));
      expect([expired.code, expired.message]).toEqual(['HOST_KEY_UNKNOWN', expect.stringContaining('expired') as string]);
    });

    it('user certificates beside the key or named, and says when one has expired', async () => {
      const authority = makeKey(file('user_ca'), 'ed25519');
      const server = await serve([`TrustedUserCAKeys ${authority}.pub`]);
      const certified = makeKey(file('person'), 'ed25519');
      expect((await failure(target(server, { identityFile: certified }))).code).toBe('AUTHENTICATION');
      keygen('-s', authority, '-I', 'person', '-n', USER, '-V', '+1d', `${certified}.pub`);
      expect(await connect(target(server, { identityFile: certified }))).toEqual({ user: USER, notes: expect.stringContaining('person-cert.pub is to be shown') as string });
      const elsewhere = file('elsewhere-cert.pub');
      copyFileSync(`${certified}-cert.pub`, elsewhere);
      rmSync(`${certified}-cert.pub`);
      expect((await connect(target(server, { identityFile: certified, args: ['-o', `CertificateFile=${elsewhere}`] }))).user).toBe(USER);
      keygen('-s', authority, '-I', 'person', '-n', USER, '-V', '20200101:20200102', `${certified}.pub`);
      const late = await failure(target(server, { identityFile: certified }));
      expect([late.code, late.hint]).toEqual(['AUTHENTICATION', expect.stringContaining('expired') as string]);
    });

    it('certificates that only the agent has', async () => {
      const authority = makeKey(file('agent_ca'), 'ed25519');
      const server = await serve([`TrustedUserCAKeys ${authority}.pub`]);
      const held = makeKey(file('held'), 'ed25519');
      keygen('-s', authority, '-I', 'held', '-n', USER, '-V', '+1d', `${held}.pub`);
      const socket = file('agent.sock');
      const agent: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        await vi.waitFor(() => { execFileSync('ssh-add', ['-q', held], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' }); }, { timeout: 5000 });
        rmSync(`${held}-cert.pub`);
        const without = target(server, { args: ['-o', `IdentityAgent=${socket}`] });
        delete without.identityFile;
        expect(await connect(without)).toEqual({ user: USER, notes: expect.stringContaining('ssh-ed25519-cert-v01@openssh.com in the agent') as string });
      } finally {
        agent.kill();
      }
    });

    it('keys in PKCS#8, binary revocation lists, KnownHostsCommand', async () => {
      const pkcs8 = file('pkcs8');
      execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', pkcs8], { stdio: 'ignore' });
      chmodSync(pkcs8, 0o600);
      const server = await serve([`AuthorizedKeysFile ${write('pkcs8-authorized', execFileSync('ssh-keygen', ['-yf', pkcs8]).toString().trim())}`]);
      expect((await connect(target(server, { identityFile: pkcs8 }))).user).toBe(USER);
      const krl = file('revoked.krl');
      keygen('-k', '-f', krl, `${plain.hostKeys.ed25519 ?? ''}.pub`);
      expect((await failure(target(plain, { hosts: knownHosts, args: ['-o', `RevokedHostKeys=${krl}`] }))).code).toBe('HOST_KEY_REVOKED');
      const command = target(plain, { hosts: write('nobody', ''), args: ['-o', `KnownHostsCommand=/bin/cat ${knownHosts}`] });
      expect(await connect(command)).toEqual({ user: USER, notes: expect.stringContaining('KnownHostsCommand') as string });
    });
  });

  describe.each(['ssh2', 'openssh'] as const)('both ways alike: %s', (connection) => {
    it('goes through jump hosts and checks the key of each, whatever StrictHostKeyChecking says', async () => {
      const [first, second] = [await serve(), await serve()];
      const all = [plain, first, second].map((server) => server.knownHostsLine('ed25519').trim());
      const jump = ['-J', `${USER}@127.0.0.1:${String(first.port)},${USER}@127.0.0.1:${String(second.port)}`, '-o', 'StrictHostKeyChecking=no'];
      expect((await connect(target(plain, { connection, hosts: write('all', ...all), args: jump }))).user).toBe(USER);
      for (const left of [0, 1, 2]) {
        const error = await failure(target(plain, { connection, hosts: write('some', ...all.filter((_line, index) => index !== left)), args: jump }));
        expect([error.code, error.message]).toEqual(['HOST_KEY_UNKNOWN', expect.stringContaining(String([plain, first, second][left]?.port)) as string]);
      }
    });

    it('goes through ProxyCommand and takes Match, Include, HostKeyAlias and HostName', async () => {
      const alias = write('alias', plain.knownHostsLine('ed25519', 'the-real-name').trim());
      write('included', 'Match originalhost behind', '  HostName 127.0.0.1', `  Port ${String(plain.port)}`, '  HostKeyAlias the-real-name', `  ProxyCommand bash -c "exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3"`);
      const config = write('config', `Include ${file('included')}`, 'Host *', `  User ${USER}`, `  IdentityFile ${key}`, `  UserKnownHostsFile ${alias}`, '  IdentityAgent none');
      expect(await connect({ name: 'behind', connection, sshArgs: ['-F', config] })).toEqual({ user: USER, notes: '' });
    });

    it('restricts algorithms as the configuration does', async () => {
      const server = await serve(['Ciphers aes256-ctr', 'MACs hmac-sha2-512', 'KexAlgorithms ecdh-sha2-nistp384']);
      expect((await connect(target(server, { connection, args: ['-o', 'Ciphers=aes256-ctr', '-o', 'MACs=hmac-sha2-512'] }))).user).toBe(USER);
      expect((await failure(target(server, { connection, args: ['-o', 'Ciphers=aes128-ctr'] }))).code).toBe('UNREACHABLE');
    });

    it('offers no keys where PubkeyAuthentication is off or their algorithm is not accepted', async () => {
      expect((await failure(target(plain, { connection, args: ['-o', 'PubkeyAuthentication=no'] }))).code).toBe('AUTHENTICATION');
      expect((await failure(target(plain, { connection, args: ['-o', 'PubkeyAcceptedAlgorithms=rsa-sha2-512'] }))).code).toBe('AUTHENTICATION');
    });

    it('gives a password when it has one, and a wrong one once', async () => {
      const server = await serve(['PasswordAuthentication yes', 'PubkeyAuthentication no']);
      expect((await connect(target(server, { connection, password: new Secret(PASSWORD) }))).user).toBe(USER);
      const before = server.log().split('Failed password').length;
      const error = await failure(target(server, { connection, password: new Secret('not it') }));
      expect([error.code, error.message]).toEqual(['AUTHENTICATION', expect.stringContaining('refused') as string]);
      await vi.waitFor(() => { expect(server.log().split('Failed password').length - before).toBe(1); });
    });

    it('answers keyboard-interactive questions', async () => {
      const server = await serve(['UsePAM yes', 'KbdInteractiveAuthentication yes', 'PubkeyAuthentication no']);
      expect((await connect(target(server, { connection, password: new Secret(PASSWORD) }))).user).toBe(USER);
    });

    it('gives up in ConnectTimeout', async () => {
      const started = Date.now();
      // a documentation address: nothing answers, or nothing is routed
      expect((await failure({ ...target(plain, { connection, args: ['-o', 'ConnectTimeout=1'] }), address: '192.0.2.1' })).code).toBe('UNREACHABLE');
      expect(Date.now() - started).toBeLessThan(8000);
    });
  });
});
