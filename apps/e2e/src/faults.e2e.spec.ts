import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, recap, SITE, WRITABLE_MODULE, READ_ONLY_ENV, READ_ONLY_MODULE } from './fleet.ts';
import { fetchPage, servedKey, Visitor } from './requests.ts';

/* What must not happen when something is wrong: wrong PIN, writable module, bad configuration, hung token, cut wire. */
let fleet: Fleet;
const desks: Desk[] = [];

function desk(...words: ConstructorParameters<typeof Desk> extends [unknown, ...infer Rest] ? Rest : never): Desk {
  const made = new Desk(fleet, ...words);
  desks.push(made);
  return made;
}

beforeAll(() => {
  fleet = new Fleet('fa', 1, 8);
});
afterAll(() => {
  fleet.down();
  for (const made of desks) made.remove();
});

describe('a wrong PIN', () => {
  test('for all eight hosts costs one try on one token in total', async () => {
    // every PKCS#11 call of everybody goes through OpenSC's spy, which writes them down
    const spied = desk({ hsm_module: '/usr/lib/x86_64-linux-gnu/pkcs11-spy.so', hsm_module_env: { ...READ_ONLY_ENV, PKCS11SPY: READ_ONLY_MODULE, PKCS11SPY_OUTPUT: '/var/log/spy' } }, '111111');
    const ended = await spied.apply(SITE, '--json');
    expect(ended.code).toBe(2);
    let logins = 0;
    for (const host of fleet.hosts) {
      const log = await fleet.exec(host, 'grep', '-c', 'C_Login', '/var/log/spy');
      logins += Number(log.stdout.trim() || 0);
      await fleet.exec(host, 'rm', '-f', '/var/log/spy');
    }
    expect(logins).toBe(1);
    const outcomes = events(ended.stdout).filter((event) => event.type === 'task_finished' && event.resource === 'pin_file');
    const codes = outcomes.map((event) => (event.error as { code?: string } | undefined)?.code);
    expect(codes.filter((code) => code === 'PIN_INCORRECT')).toHaveLength(1);
    expect(codes.filter((code) => code === 'PIN_REFUSED')).toHaveLength(7);
    expect(ended.stdout + ended.stderr).not.toContain('111111');
    for (const host of fleet.hosts) expect((await fleet.exec(host, 'test', '-e', '/etc/hsmfleet/web.pin')).code).toBe(1);

    // and a run that is repeated with it costs none where it was found out
    const canary = outcomes.find((event) => (event.error as { code?: string } | undefined)?.code === 'PIN_INCORRECT')?.host as string;
    const again = await spied.apply(SITE, '-l', canary, '--json');
    expect(again.code).toBe(2);
    expect(events(again.stdout).find((event) => event.outcome === 'refused')).toMatchObject({ host: canary, error: { code: 'PIN_REFUSED', message: expect.stringContaining('called this PIN wrong at') as string } });
    expect((await fleet.exec(canary, 'grep', '-c', 'C_Login', '/var/log/spy')).stdout.trim()).toBe('0');
    await fleet.exec(canary, 'rm', '-f', '/var/log/spy');
    // the counter is low now: the right PIN resets it when a person says so
    await fleet.must(canary, 'pkcs11-tool', '--module', WRITABLE_MODULE, '--token-label', `fleet-${canary}`, '--login', '--pin', '648219', '-O');
  });
});

describe('a writable module', () => {
  test('is refused on evidence, before anything is changed', async () => {
    const ended = await desk({ hsm_module: WRITABLE_MODULE, hsm_module_env: {} }).apply(SITE, '-l', 'web08', '--json');
    expect(ended.code).toBe(2);
    const refused = events(ended.stdout).find((event) => event.outcome === 'refused');
    expect(refused).toMatchObject({ host: 'web08', resource: 'pkcs11_module', error: { code: 'MODULE_WRITABLE' } });
    expect(events(ended.stdout).filter((event) => event.outcome === 'changed')).toEqual([]);
  });
});

describe('a configuration that does not work', () => {
  let good: Desk;
  const name = 'web02.fleet.test';
  beforeAll(async () => {
    good = desk();
    const ended = await good.apply(SITE, '-l', 'web02');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
  });
  /** The site with lines of Apache configuration added to it. */
  const broken = (lines: string[]): string =>
    good.write('broken.yml', [
      '- hosts: webservers',
      '  tasks:',
      '    - tls_site:',
      '        name: hsmfleet',
      '        server_name: "{{ server_name }}"',
      '        engine: mod_ssl',
      '        module: { path: "{{ hsm_module }}", env: "{{ hsm_module_env }}" }',
      '        token: "{{ hsm_token }}"',
      '        key_id: "{{ hsm_key_id }}"',
      '        pin: "{{ token_pin }}"',
      '        pin_file: /etc/hsmfleet/web.pin',
      '        document_root: /var/www/hsmfleet',
      `        extra: ${JSON.stringify(lines)}`,
      '',
    ].join('\n'));

  test.each([
    ['does not pass configtest', ['NoSuchDirective on']],
    ['passes configtest but does not serve', ['SSLProtocol -all +TLSv1', 'SSLCipherSuite DES-CBC3-SHA']],
  ])('and %s is rolled back, and the old page still serves', async (_title, lines) => {
    const address = fleet.address('web02');
    const key = await servedKey(address, name);
    const configuration = await fleet.must('web02', 'sh', '-c', 'cat /etc/apache2/sites-available/*.conf /etc/apache2/sites-enabled/*.conf | sha256sum');
    const ended = await good.apply(broken(lines), '-l', 'web02', '--json');
    expect(ended.code).toBe(2);
    expect(events(ended.stdout).find((event) => event.outcome === 'failed')).toMatchObject({ error: { code: 'WEB_ROLLED_BACK' } });
    expect(await servedKey(address, name)).toBe(key);
    expect((await fetchPage(address, name)).status).toBe(200);
    expect(await fleet.must('web02', 'sh', '-c', 'cat /etc/apache2/sites-available/*.conf /etc/apache2/sites-enabled/*.conf | sha256sum')).toBe(configuration);
    const again = await good.apply(SITE, '-l', 'web02');
    expect(recap(again.stdout).web02, again.stdout).toMatchObject({ changed: 0, failed: 0 });
  });
});

describe('a PIN file that somebody edited', () => {
  test('is tried once before a restart, not by the server, and the site serves on', async () => {
    const one = desk();
    one.write('restart.yml', '- hosts: webservers\n  tasks:\n    - service: { name: apache2, state: restarted }\n');
    expect(await one.apply(SITE, '-l', 'web02')).toMatchObject({ code: 0 });
    const visitor = new Visitor(fleet.address('web02'), 'web02.fleet.test');
    await fleet.must('web02', 'cp', '-p', '/etc/hsmfleet/web.pin', '/root/web.pin');
    await fleet.must('web02', 'sed', '-i', 's/648219/648210/', '/etc/hsmfleet/web.pin');
    const codes: unknown[] = [];
    for (let count = 0; count < 2; count += 1) {
      const ended = await one.apply('restart.yml', '-l', 'web02', '--json');
      expect(ended.code).toBe(2);
      codes.push(events(ended.stdout).find((event) => event.type === 'task_finished')?.error);
    }
    expect(codes).toMatchObject([{ code: 'PIN_INCORRECT' }, { code: 'PIN_REFUSED' }]);
    await visitor.stop();
    expect(visitor.problems).toEqual([]);
    await fleet.must('web02', 'cp', '-p', '/root/web.pin', '/etc/hsmfleet/web.pin');
    expect(await one.apply('restart.yml', '-l', 'web02')).toMatchObject({ code: 0 });
  });
});

describe('a token that hangs', () => {
  test('yields a deadline error on its host while the others complete', async () => {
    const all = desk();
    const pid = (await fleet.must('web04', 'cat', '/run/p11-kit-ro/pid')).trim();
    await fleet.must('web04', 'kill', '-STOP', pid);
    try {
      const ended = await all.hsmfleet('inventory', '-i', 'hosts.yml', 'web03,web04,web05', '--json', '-m', READ_ONLY_MODULE, '--module-env', 'P11_KIT_SERVER_ADDRESS=unix:path=/run/p11-kit-ro/pkcs11');
      const reports = events(ended.stdout).filter((event) => event.type === 'inventory').map((event) => event.report as { host: string; modules: { path: string; error: { code: string } | null; tokens: unknown[] }[] });
      const module = (host: string) => reports.find((report) => report.host === host)?.modules.find((row) => row.path === READ_ONLY_MODULE);
      expect(reports.map((report) => report.host).sort()).toEqual(['web03', 'web04', 'web05']);
      expect(module('web04')?.error?.code).toBe('TIMEOUT');
      for (const host of ['web03', 'web05']) expect(module(host)).toMatchObject({ error: null, tokens: [{}] });

      const applied = await all.apply(SITE, '-l', 'web03,web04,web05', '--json');
      expect(applied.code).toBe(2);
      const failed = events(applied.stdout).filter((event) => event.type === 'task_finished' && event.outcome !== 'ok' && event.error !== undefined);
      expect(failed.map((event) => [event.host, event.resource])).toEqual([['web04', 'pkcs11_module']]);
      expect(JSON.stringify(failed[0]?.error)).toMatch(/did not answer|deadline|TIMEOUT/i);
      for (const host of ['web03', 'web05']) expect((await fetchPage(fleet.address(host), `${host}.fleet.test`)).status).toBe(200);
    } finally {
      await fleet.must('web04', 'kill', '-CONT', pid);
    }
  });
});

describe('a connection that is cut in the middle', () => {
  const slow = ['- hosts: webservers', '  gather_facts: false', '  tasks:', ...Array.from({ length: 8 }, (_, index) => `    - command: sh -c "echo ${String(index)} >> /var/tmp/count; sleep 0.3"`), ''].join('\n');

  test('is taken up again: no task runs twice, none is lost', async () => {
    const one = desk();
    one.write('slow.yml', slow);
    await fleet.exec('web06', 'rm', '-f', '/var/tmp/count');
    const running = one.apply('slow.yml', '-l', 'web06', '--json');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    // the sshd process of the session, not the listener
    await fleet.must('web06', 'sh', '-c', 'for p in $(pgrep -f "^sshd: root"); do kill -9 $p; done');
    const ended = await running;
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(await fleet.must('web06', 'cat', '/var/tmp/count')).toBe('0\n1\n2\n3\n4\n5\n6\n7\n');
    expect(events(ended.stdout).filter((event) => event.type === 'task_finished')).toHaveLength(8);
  });

  test('for good, the host ends its run as its journal says, and a repeated apply converges', async () => {
    const one = desk();
    const started = one.start('apply', SITE, '-i', 'hosts.yml', '-l', 'web07', '--json');
    let text = '';
    started.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const gone = new Promise((resolve) => started.once('close', resolve));
    for (let wait = 0; wait < 200 && !text.includes('"resource":"pkcs11_module"'); wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    started.kill('SIGKILL');
    await gone;
    const id = /"run":"([^"]+)"/.exec(text)?.[1] ?? '';
    let journal = '';
    for (let wait = 0; wait < 60 && !journal.includes('"host_finished"'); wait += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      journal = (await fleet.exec('web07', 'cat', `/var/lib/hsmfleet/runs/${id}/journal.ndjson`)).stdout;
    }
    expect(journal).toContain('"host_finished"');
    const again = await one.apply(SITE, '-l', 'web07');
    expect(again, again.stdout + again.stderr).toMatchObject({ code: 0 });
    expect(recap((await one.apply(SITE, '-l', 'web07')).stdout).web07).toMatchObject({ changed: 0, failed: 0 });
    expect((await fetchPage(fleet.address('web07'), 'web07.fleet.test')).status).toBe(200);
  });
});

describe('the second run at the same time', () => {
  test('is told who holds the host, and the site is left alone', async () => {
    const one = desk();
    one.write('slow.yml', '- hosts: webservers\n  gather_facts: false\n  tasks:\n    - command: sleep 3\n');
    const visitor = new Visitor(fleet.address('web05'), 'web05.fleet.test');
    const first = one.apply('slow.yml', '-l', 'web05');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const second = await one.apply('slow.yml', '-l', 'web05');
    expect(second.code).toBe(2);
    expect(second.stdout + second.stderr).toMatch(/busy/);
    expect((await first).code).toBe(0);
    await visitor.stop();
    expect(visitor.problems).toEqual([]);
  });
});
