import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, PIN, recap, run, SITE } from './fleet.ts';
import { servedKey, Visitor } from './requests.ts';

/* The main path on eight hosts: roll out, converge, drift, repair, inventory; serving and silent about PINs throughout. */
let fleet: Fleet;
let desk: Desk;

beforeAll(() => {
  fleet = new Fleet('ro', 0, 8);
  desk = new Desk(fleet);
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

/** Key 03 of a host's token, asked of the token by a program that is not ours. */
async function tokenKey(host: string): Promise<string> {
  const script = 'pkcs11-tool --module "$0" --read-object --type cert --id 03 2>/dev/null | openssl x509 -inform DER -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d" " -f1';
  const output = await fleet.must(host, 'env', 'P11_KIT_SERVER_ADDRESS=unix:path=/run/p11-kit-ro/pkcs11', 'sh', '-c', script, '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so');
  return output.trim();
}

/** Command lines and environments of every process of this machine and its hosts, sampled until stopped. */
function watchProcesses(): () => string {
  let seen = '';
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const file of ['cmdline', 'environ']) {
        try {
          const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
          if (text.includes(PIN)) seen += `${file} of ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}\n`;
        } catch {
          // the process is gone
        }
      }
    }
  }, 25);
  return () => {
    clearInterval(timer);
    return seen;
  };
}

describe('a roll-out', () => {
  test('takes bare webservers to HTTPS from the token, shows no PIN to anybody, and ends with 0 failed', async () => {
    const stop = watchProcesses();
    const ended = await desk.apply(SITE, '-vvv', '--diff');
    const seen = stop();
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    const hosts = recap(ended.stdout);
    expect(Object.keys(hosts).sort()).toEqual(fleet.hosts);
    for (const host of fleet.hosts) expect(hosts[host]).toMatchObject({ failed: 0, unreachable: 0, refused: 0 });
    for (const host of fleet.hosts) expect(await servedKey(fleet.address(host), `${host}.fleet.test`)).toBe(await tokenKey(host));
    expect(seen).toBe('');
    expect(ended.stdout + ended.stderr).not.toContain(PIN);
  });

  test('changes nothing when run again', async () => {
    const ended = await desk.apply(SITE);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    for (const host of fleet.hosts) expect(recap(ended.stdout)[host]).toMatchObject({ changed: 0, failed: 0 });
  });

  test('leaves no PIN in journals, the store, blobs or logs; only the PIN file has it', async () => {
    const here = await run(['grep', '-rlaF', PIN, desk.folder]);
    expect(here.stdout.trim().split('\n').filter((file) => !file.endsWith('secrets/token-pin')).filter(Boolean)).toEqual([]);
    for (const host of fleet.hosts.slice(0, 2)) {
      const there = await fleet.exec(host, 'grep', '-rlaF', PIN, '--exclude=moduli', '/var/lib/hsmfleet', '/var/log', '/etc', '/tmp', '/root', '/run', '/dev/shm');
      expect(there.stdout.trim().split('\n')).toEqual(['/etc/hsmfleet/web.pin']);
    }
  });
});

describe('a serving host keeps serving', () => {
  test('during and after a converged apply, a check and an inventory', async () => {
    const visitors = fleet.hosts.slice(0, 3).map((host) => new Visitor(fleet.address(host), `${host}.fleet.test`));
    const before = await fleet.must('web01', 'sh', '-c', 'cat /run/apache2/apache2.pid /var/run/apache2/apache2.pid 2>/dev/null | head -1');
    for (const words of [[SITE], [SITE, '--check']]) expect((await desk.apply(...(words as [string, ...string[]]))).code).toBe(0);
    const inventory = await desk.hsmfleet('inventory', '-i', 'hosts.yml', '--json');
    expect(inventory, inventory.stderr).toMatchObject({ code: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const visitor of visitors) {
      await visitor.stop();
      expect(visitor.problems).toEqual([]);
      expect(visitor.served).toBeGreaterThan(10);
    }
    const after = await fleet.must('web01', 'sh', '-c', 'cat /run/apache2/apache2.pid /var/run/apache2/apache2.pid 2>/dev/null | head -1');
    expect(after).toBe(before);
  });
});

describe('drift', () => {
  const drifted = async (): Promise<void> => {
    await fleet.must('web03', 'chmod', '0644', '/etc/hsmfleet/web.pin');
    await fleet.must('web03', 'ln', '-sfn', '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so', '/usr/lib/hsm-module.so');
    await fleet.must('web03', 'sh', '-c', 'echo "# edited by hand" >> /etc/apache2/sites-available/hsmfleet.conf');
  };
  /** The site plus a symlink task, so that "module re-pointed" is something that can drift with mod_ssl too. */
  const playbook = (): string => {
    const site = readFileSync(SITE, 'utf8').replaceAll('src: index.html.j2', `src: ${join(SITE, '../templates/index.html.j2')}`);
    return desk.write('drift.yml', site.replace('      pkcs11_module:\n', '      pkcs11_module:\n        links: [/usr/lib/hsm-module.so]\n'));
  };

  test('a check reports exactly the three drifts and changes nothing; apply repairs exactly those', async () => {
    const file = playbook();
    expect((await desk.apply(file)).code).toBe(0);
    await drifted();
    const snapshot = 'stat -c "%a %Y" /etc/hsmfleet/web.pin; readlink /usr/lib/hsm-module.so; sha256sum /etc/apache2/sites-available/hsmfleet.conf; cat /var/run/apache2/apache2.pid';
    const before = await fleet.must('web03', 'sh', '-c', snapshot);

    const check = await desk.apply(file, '--check', '--diff', '--json');
    expect(check, check.stderr).toMatchObject({ code: 0 });
    const changed = events(check.stdout).filter((event) => event.type === 'task_finished' && event.outcome === 'changed');
    expect(changed.map((event) => [event.host, event.resource]).sort()).toEqual([
      ['web03', 'pin_file'],
      ['web03', 'pkcs11_module'],
      ['web03', 'tls_site'],
    ]);
    expect(await fleet.must('web03', 'sh', '-c', snapshot)).toBe(before);

    const repair = await desk.apply(file, '--json');
    expect(repair, repair.stderr).toMatchObject({ code: 0 });
    const repaired = events(repair.stdout).filter((event) => event.type === 'task_finished' && event.outcome === 'changed');
    expect(repaired.map((event) => [event.host, event.resource]).sort()).toEqual([
      ['web03', 'pin_file'],
      ['web03', 'pkcs11_module'],
      ['web03', 'tls_site'],
    ]);
    expect(await fleet.must('web03', 'stat', '-c', '%a %U:%G', '/etc/hsmfleet/web.pin')).toBe('640 root:www-data\n');
    expect(await servedKey(fleet.address('web03'), 'web03.fleet.test')).toBe(await tokenKey('web03'));
    expect(recap((await desk.apply(file)).stdout).web03).toMatchObject({ changed: 0 });
  });
});

describe('inventory and queries', () => {
  test('show every token, key and certificate of the fleet, with proof', async () => {
    const tables = await desk.hsmfleet('inventory', '-i', 'hosts.yml');
    expect(tables, tables.stderr).toMatchObject({ code: 0 });
    for (const host of fleet.hosts) expect(tables.stdout).toContain(`fleet-${host}`);
    const keys = await desk.hsmfleet('query', "select host, token, id, type, bits, curve from keys where token like 'fleet-%' group by host, token, id order by host, id", '--format', 'json');
    expect(keys, keys.stderr).toMatchObject({ code: 0 });
    const rows = JSON.parse(keys.stdout) as { host: string; id: string; type: string; bits: number; curve: string | null }[];
    expect(rows).toHaveLength(24);
    expect(rows.slice(0, 3).map(({ id, type, bits, curve }) => [id, type, bits, curve])).toEqual([
      ['01', 'rsa', 1024, null],
      ['02', 'rsa', 2048, null],
      ['03', 'ec', 256, 'prime256v1'],
    ]);
    const weak = await desk.hsmfleet('query', "select distinct host from keys where type='rsa' and bits < 2048", '--format', 'csv');
    expect(weak.stdout.trim().split('\n')).toHaveLength(9);
    const live = await desk.hsmfleet('query', 'weak-keys', '--live=web01', '-i', 'hosts.yml', '--format', 'json');
    expect(live, live.stderr).toMatchObject({ code: 0 });
    expect((JSON.parse(live.stdout) as { host: string; bits: number }[]).find(({ host }) => host === 'web01')).toMatchObject({ bits: 1024 });
    expect(live.stderr).toMatch(/web01 +.*ok=/);
    expect(live.stderr).not.toMatch(/web02 +.*ok=/);
    const writes = await desk.hsmfleet('query', 'delete from runs');
    expect(writes.code).toBe(1);
    expect(writes.stderr).toMatch(/read-only|readonly|not authorized|only read/i);
  });

  test('each site is known to be served from its token, and reading it disturbed nothing', async () => {
    const sites = await desk.hsmfleet('query', 'select host, served_from_token from sites order by host', '--format', 'json');
    expect(sites, sites.stderr).toMatchObject({ code: 0 });
    expect((JSON.parse(sites.stdout) as { served_from_token: number }[]).map((row) => row.served_from_token)).toEqual(Array(8).fill(1));
  });
});
