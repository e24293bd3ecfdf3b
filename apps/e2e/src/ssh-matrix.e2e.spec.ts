import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk, Fleet, recap, run, type Ended } from './fleet.ts';

/** Password of opspw on every test host. */
const PASSWORD = 'fleet sudo';

/** Watches command lines and environments of all processes, those on the test hosts included, for a text. */
class Watch {
  readonly #needle: string;
  readonly #found = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  looks = 0;

  constructor(needle: string) {
    this.#needle = needle;
    this.#timer = setInterval(() => { this.#look(); }, 20);
  }

  #look(): void {
    this.looks += 1;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const file of ['cmdline', 'environ']) {
        try {
          const text = readFileSync(join('/proc', pid, file), 'latin1');
          if (text.includes(this.#needle)) this.#found.add(`${file} of ${text.slice(0, 80).replaceAll('\0', ' ')}`);
        } catch {
          // it ended
        }
      }
    }
  }

  stop(): string[] {
    clearInterval(this.#timer);
    return [...this.#found];
  }
}

describe('SSH logins and sudo on real hosts', () => {
  let fleet: Fleet;
  let desk: Desk;
  let common: string;

  beforeAll(() => {
    fleet = new Fleet('sm', 19, 3);
    desk = new Desk(fleet);
    common = /ansible_ssh_common_args: "(.*)"/.exec(fleet.hostsFile())?.[1] ?? '';
    desk.write('who.yml', '- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - name: who\n      command: { argv: [id, -un] }\n      register: who\n    - name: right\n      assert: { that: ["who.stdout == expected | default(\'root\')"] }\n');
  }, 180_000);
  afterAll(() => {
    desk.remove();
    fleet.down();
  });

  /** Writes the hosts file: what is said of each host, on top of the key and the address. */
  const hosts = (of: Record<string, Record<string, unknown>>, args = common): void => {
    const key = /ansible_ssh_private_key_file: (.*)/.exec(fleet.hostsFile())?.[1] ?? '';
    const rows = Object.entries(of).map(([host, vars]) => [host, { ansible_host: fleet.address(host), ansible_ssh_private_key_file: key, ansible_ssh_common_args: args, ...vars }]);
    desk.write('hosts.yml', JSON.stringify({ all: { hosts: Object.fromEntries(rows) as unknown } }));
  };
  const sudoers = (host: string, ...lines: string[]): Promise<string> =>
    fleet.must(host, 'sh', '-c', 'printf "%s\\n" "$@" > /etc/sudoers.d/matrix && chmod 440 /etc/sudoers.d/matrix && visudo -cqf /etc/sudoers.d/matrix', 'sh', ...lines);
  /** Every host of the hosts file ran both tasks as the user it was meant to. */
  const expectAllWell = (ended: Ended): void => {
    expect({ code: ended.code, text: ended.code === 0 ? '' : ended.stdout + ended.stderr }).toEqual({ code: 0, text: '' });
    for (const counts of Object.values(recap(ended.stdout))) expect(counts).toMatchObject({ ok: 2, failed: 0, unreachable: 0 });
  };

  it('logs in as root, and goes through sudo without a password, with one, without Node in secure_path, past a lecture and questions in other languages', async () => {
    await sudoers('web02', 'Defaults:ops secure_path="/nowhere"', 'Defaults:ops lecture=always');
    await sudoers('web03', 'Defaults:opspw lecture=always, timestamp_timeout=0, passprompt="Kennwort für %u: "');
    hosts({ web01: { ansible_user: 'root' }, web02: { ansible_user: 'ops' }, web03: { ansible_user: 'opspw', ansible_become_password: PASSWORD } });
    expectAllWell(await desk.apply('who.yml'));
  });

  it('gives sudo a terminal where requiretty wants one, and becomes somebody else than root', async () => {
    await sudoers('web01', 'Defaults:ops requiretty');
    await sudoers('web02', 'Defaults:opspw requiretty, timestamp_timeout=0');
    await sudoers('web03', 'ops ALL=(svc) NOPASSWD: ALL');
    await fleet.must('web03', 'useradd', '-m', 'svc');
    hosts({ web01: { ansible_user: 'ops' }, web02: { ansible_user: 'opspw', ansible_become_password: PASSWORD }, web03: { ansible_user: 'ops', ansible_become_user: 'svc', expected: 'svc' } });
    expectAllWell(await desk.apply('who.yml'));
  });

  it('needs no more in sudoers than the lines that it prints, keeps a password from everybody, and takes both transports', async () => {
    const lines = await desk.hsmfleet('hosts', 'sudoers', 'ops');
    expect(lines.code).toBe(0);
    await fleet.must('web01', 'sh', '-c', 'rm -rf /var/lib/hsmfleet /etc/sudoers.d/*');
    await sudoers('web01', lines.stdout);
    await sudoers('web02', 'Defaults:opspw !authenticate');
    await sudoers('web03', 'Defaults:opspw timestamp_timeout=0');
    hosts({
      web01: { ansible_user: 'ops' },
      web02: { ansible_user: 'opspw', ansible_become_password: PASSWORD },
      web03: { ansible_user: 'opspw', ansible_become_password: PASSWORD, ansible_connection: 'openssh' },
    });
    const watch = new Watch(PASSWORD);
    const ended = await desk.apply('who.yml');
    expect(watch.stop()).toEqual([]);
    expect(watch.looks).toBeGreaterThan(5);
    expectAllWell(ended);
    // and nothing else
    const key = /ansible_ssh_private_key_file: (.*)/.exec(fleet.hostsFile())?.[1] ?? '';
    const ssh = await run(['ssh', ...common.split(' '), '-i', key, `ops@${fleet.address('web01')}`, 'sudo -n id']);
    expect(ssh.code).not.toBe(0);
    expect(ssh.stderr).toMatch(/password is required|not allowed/);
  });

  it('tells a wrong password to each host once', async () => {
    for (const host of fleet.hosts) await sudoers(host, 'Defaults:opspw timestamp_timeout=0, logfile=/var/log/sudo-matrix.log', 'opspw ALL=(ALL) ALL');
    hosts(Object.fromEntries(fleet.hosts.map((host) => [host, { ansible_user: 'opspw', ansible_become_password: 'not this one' }])));
    const ended = await desk.apply('who.yml');
    expect(ended.code).not.toBe(0);
    expect(ended.stdout + ended.stderr).toContain('the sudo password was refused');
    expect(ended.stdout + ended.stderr).not.toContain('not this one');
    for (const host of fleet.hosts) {
      const log = (await fleet.must(host, 'cat', '/var/log/sudo-matrix.log')).replaceAll(/\n\s+/g, ' ');
      expect(log.match(/incorrect password attempt/g)).toHaveLength(1);
      expect(log).toContain('1 incorrect password attempt');
    }
  });

  it('never takes an unknown host key by itself, whatever StrictHostKeyChecking says; hosts accept takes what the fingerprints name', async () => {
    const known = desk.write('known', '');
    const args = `-F /dev/null -o UserKnownHostsFile=${known} -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=no`;
    const gate = { ansible_ssh_extra_args: `-J root@${fleet.address('web03')}` };
    hosts({ web01: { ansible_user: 'root' }, web02: { ansible_user: 'root', ansible_connection: 'openssh' }, web03: { ansible_user: 'root' } }, args);
    const refused = await desk.apply('who.yml');
    expect(refused.code).toBe(4);
    expect(recap(refused.stdout)).toMatchObject(Object.fromEntries(fleet.hosts.map((host) => [host, { unreachable: 1 }])));
    expect(readFileSync(known, 'utf8')).toBe('');
    expect((await desk.hsmfleet('hosts', 'accept', '-i', 'hosts.yml', '--yes')).code).toBe(1);

    const fleetKnown = /UserKnownHostsFile=(\S+)/.exec(common)?.[1] ?? '';
    const fingerprints = (await run(['ssh-keygen', '-lf', fleetKnown])).stdout;
    writeFileSync(join(desk.folder, 'fingerprints'), fingerprints.split('\n').map((line) => line.replace(/(\S+),(\S+) \(/, '$2 (')).filter((line) => !line.includes(fleet.address('web02'))).join('\n'));
    hosts({ web01: { ansible_user: 'root' }, web02: { ansible_user: 'root', ...gate }, web03: { ansible_user: 'root' } }, args);
    const some = await desk.hsmfleet('hosts', 'accept', '-i', 'hosts.yml', '--yes', '--fingerprints', 'fingerprints');
    expect(some.code).toBe(2);
    expect(some.stdout).toContain('2 added');
    expect(readFileSync(known, 'utf8').trim().split('\n')).toHaveLength(2);
    writeFileSync(join(desk.folder, 'fingerprints'), fingerprints);
    expect((await desk.hsmfleet('hosts', 'accept', '-i', 'hosts.yml', '--yes', '--fingerprints', 'fingerprints')).stdout).toContain('1 added');
    const ended = await desk.apply('who.yml');
    expectAllWell(ended);
  });
});
