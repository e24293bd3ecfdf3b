import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, Fleet, PIN, ROOT, WRITABLE_MODULE } from './fleet.ts';

/* Benchmarks of three keys on real hosts: every point is stored, a hung one ends, production is left alone, all is put back. */
let fleet: Fleet;
let desk: Desk;

/** Three sites, a key each. */
const SITES = `
- hosts: web01
  become: true
  vars:
    module: { path: "{{ hsm_module }}", env: "{{ hsm_module_env }}" }
  tasks:
    - pin_file:
        path: /etc/hsmfleet-web.pin
        format: plain
        entries: [{ token: "{{ hsm_token }}", pin: "{{ token_pin }}" }]
        module: "{{ module }}"
    - copy: { content: "hello\\n", dest: /var/www/html/index.html, mode: "0644" }
    - apache_mpm: { mpm: event }
    - apache_module: { name: ssl }
    - tls_site:
        name: "key{{ item }}"
        server_name: "key{{ item }}.fleet.test"
        engine: mod_ssl
        module: "{{ module }}"
        token: "{{ hsm_token }}"
        key_id: "{{ item }}"
        pin: "{{ token_pin }}"
        pin_file: /etc/hsmfleet-web.pin
        document_root: /var/www/html
      loop: ["02", "03", "04"]
`;

/** A third key that a web server may serve with: the token comes with RSA-1024, RSA-2048 and EC P-256. */
const THIRD_KEY = `
cd "$(mktemp -d)"
openssl req -x509 -newkey rsa:3072 -nodes -keyout key.pem -out crt.pem -days 30 -subj /CN=key04.fleet.test
openssl x509 -in crt.pem -outform DER -out crt.der
softhsm2-util --import key.pem --token fleet-web01 --label rsa3072 --id 04 --pin ${PIN}
pkcs11-tool --module ${WRITABLE_MODULE} --token-label fleet-web01 --login --pin ${PIN} --write-object crt.der --type cert --id 04 --label rsa3072
`;

beforeAll(async () => {
  fleet = new Fleet('be', 8, 1);
  desk = new Desk(fleet);
  // as the server's user, who has to see what is made
  await fleet.must('web01', 'setpriv', '--reuid=www-data', '--regid=www-data', '--init-groups', 'sh', '-ec', THIRD_KEY);
  const sites = await desk.apply(desk.write('sites.yml', SITES));
  expect(sites, sites.stdout + sites.stderr).toMatchObject({ code: 0 });
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

const bench = (...words: string[]) => desk.hsmfleet('bench', 'run', '-i', 'hosts.yml', 'web01', ...words);
async function points(columns: string, where = '1'): Promise<unknown[]> {
  const answer = await desk.hsmfleet('query', `select ${columns} from benchmark_points where ${where} order by collected_at`, '--format', 'json');
  expect(answer, answer.stderr).toMatchObject({ code: 0 });
  return JSON.parse(answer.stdout) as unknown[];
}
/** What tells of Apache's process model. */
const model = (): Promise<string> => fleet.must('web01', 'sh', '-c', 'ls /etc/apache2/mods-enabled | grep mpm; cat /etc/apache2/conf-enabled/hsmfleet-mpm.conf; ls /var/lib/hsmfleet');

describe('a benchmark', () => {
  test('measures three keys at three concurrencies, and keeps every point with the key that was served', async () => {
    const started = Date.now();
    const ended = await bench('--concurrency', '2,5,10', '--seconds', '2');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(Date.now() - started).toBeLessThan(240_000);
    expect(ended.stderr).toContain('9 points measured, 0 hung, 0 not begun');
    expect(await points('key_type, key_bits, token, mpm, processes, count(*) as points, min(availability) as worst', "tool = 'siege' group by key_label").then((rows) => rows.map((row) => Object.values(row as object)))).toEqual(expect.arrayContaining([
      ['rsa', 3072, 'fleet-web01', 'event', 1, 3, 100], ['rsa', 2048, 'fleet-web01', 'event', 1, 3, 100], ['ec', 256, 'fleet-web01', 'event', 1, 3, 100],
    ]));
  });

  test('measures resumed sessions apart, under another process model, which is gone afterwards', async () => {
    const before = await model();
    const ended = await bench('--concurrency', '3', '--seconds', '1', '--resumption', 'resumed', '--site', 'key03.fleet.test', '--mpm', 'prefork');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(await points('mpm, processes, resumed_share, outcome', "resumption = 'resumed'")).toEqual([{ mpm: 'prefork', processes: 150, resumed_share: 1, outcome: 'measured' }]);
    expect(await model()).toBe(before);
  });

  test('tells a server that hangs in the middle from one that is slow, ends, and leaves it alone', async () => {
    const pids = (await fleet.must('web01', 'pidof', 'apache2')).trim().split(' ');
    const child = desk.start('bench', 'run', '-i', 'hosts.yml', 'web01', '--concurrency', '2,4,6,8,10', '--seconds', '3', '--resumption', 'resumed', '--site', 'key03.fleet.test', '--patience', '1', '--deadline', '6');
    let output = '';
    let stopped: Promise<unknown> | undefined;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // the first point is told: the next one has begun
      if (/2 users resumed: \d/.test(output)) stopped ??= fleet.exec('web01', 'kill', '-STOP', ...pids);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    await stopped;
    await fleet.must('web01', 'kill', '-CONT', ...pids);
    expect(code, output).toBe(0);
    expect(await points('outcome', 'seconds = 3')).toEqual(['measured', 'hung', 'unhealthy', 'unhealthy', 'unhealthy'].map((outcome) => ({ outcome })));
    // the same processes serve: nothing restarted them
    expect((await fleet.must('web01', 'pidof', 'apache2')).trim().split(' ').sort()).toEqual([...pids].sort());
  });

  test('from the control host goes through the same rules', async () => {
    const ended = await bench('--concurrency', '2', '--seconds', '1', '--resumption', 'resumed', '--from', 'control', '--site', 'key02.fleet.test');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(await points('host, key_label, outcome', "driver = 'control'")).toEqual([{ host: 'web01', key_label: 'rsa2048', outcome: 'measured' }]);
  });

  test('refuses production unless told so, before anything is done', async () => {
    const count = (await points('run')).length;
    const playbook = join(ROOT, 'playbooks/benchmark.yml');
    const refused = await desk.apply(playbook, '-e', 'production=true');
    expect(refused.code).toBe(2);
    expect(refused.stdout + refused.stderr).toContain('web01 is in production');
    expect(await points('run')).toHaveLength(count);
    const allowed = await bench('--concurrency', '1', '--seconds', '1', '--resumption', 'resumed', '--site', 'key02.fleet.test', '-e', 'production=true', '--allow-production');
    expect(allowed, allowed.stdout + allowed.stderr).toMatchObject({ code: 0 });
  });
});
