import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Desk, Fleet, PIN, ROOT, run, type Ended } from './fleet.ts';
import { grepPatterns, leaksIn, watchProcesses, type Planted, type Sampled } from './leak-search.ts';
import { MISTAKES, plantSecrets, setStage } from './leak-stage.ts';

/*
 * Secrets that a playbook does what it can to show, on real hosts, and every way out on which they might be seen. What was seen
 * is held against each secret as it is, quoted, encoded, and with line breaks in its middle.
 */

/** Ways out, each with a text that proves that it was looked at. */
const PATHS: Readonly<Record<string, RegExp>> = {
  'output of apply': /PLAY RECAP/,
  'output of apply -v': /web02/,
  'output of apply -vv': /web02/,
  'output of apply -vvv --diff': /contents not shown/,
  'output of apply --check --diff': /contents not shown/,
  'events of apply --json': /"type":"task_finished"/,
  'the debug task': /debug of facts set/,
  'registered results, shown': /debug of a register/,
  'names of tasks': /TASK \[\[secret\]\]/,
  'items of loops': /debug of a loop/,
  'handlers': /tell/,
  'messages of assertions and failures': /an assertion/,
  'failed conditions': /a condition that fails/,
  'output of programs, encoded': /a program that prints/,
  'output of programs that fail': /a program that fails and prints/,
  'environment of a task': /debug of a program with an environment/,
  'blocks, retries, other hosts, run_once': /Fail in a block|not supported|rescue/,
  'differences of files': /new contents|new file/,
  'differences of a file whose old contents were secret': /not for everybody|contents not shown/,
  'errors of compiling': /error/,
  'errors of compiling with --debug': /error/,
  'excerpts of YAML errors': /error/,
  'errors of templates on hosts': /a condition that is wrong/,
  'a login that is refused': /stranger/,
  'apply --step on a terminal': /Perform task: \[secret\]/,
  'output of apply -vvv over the system\'s ssh': /web01/,
  'lists of hosts, tasks and tags': /A name with/,
  'tasks without a playbook': /debug|SUCCESS/,
  'errors of a database address': /error/,
  'wrong passwords and identities': /error/,
  'command lines of processes': /agent\.js/,
  'environments of processes': /agent\.js/,
  'core files of agent and program': /agent 0/,
  'temporary files while it runs': /samples/,
  'temporary files of the control host': /looked/,
  'shell history': /looked/,
  'the state folder of the control host': /looked/,
  'the store as bytes, with its log': /looked/,
  'views of the store': /web01/,
  'journals on hosts': /looked/,
  'files kept for tasks on hosts': /looked/,
  'logs of hosts, of sudo and SSH': /looked/,
  'configuration and logs of the web server': /looked/,
  'temporary folders and memory of hosts': /looked/,
  'homes on hosts': /looked/,
  'report of a check: terminal': /content/,
  'report of a check: json': /hsmfleet\.check/,
  'report of a check: junit': /<testsuite/,
  'report of a check: sarif': /sarif/,
  'report of a check: csv': /,/,
  'report of a check: html': /<html/i,
  'log of the server': /ready/,
  'answers of the API': /"items"/,
  'stream of the API': /event:|data:|retry:/,
  'metrics': /# HELP/,
  'bodies of notifications': /hsmfleet\.notification/,
  'hsmfleet hosts --vars': /\[secret\]/,
  'hsmfleet vars': /vault_pin/,
  'hsmfleet lint': /show\.yml/,
  'hsmfleet runs': /show\.yml/,
  'hsmfleet runs show': /web01/,
  'hsmfleet runs log': /web01/,
  'hsmfleet runs diff': /web0|differ|same/,
  'hsmfleet doctor --json': /"/,
  'hsmfleet changes': /./,
  'inventory --json': /"type"/,
  'a skeleton by hsmfleet init': /\$ANSIBLE_VAULT/,
};

const SEED = Date.now() % 1_000_000_000;
const HSMFLEET = join(ROOT, 'apps/cli/bin/hsmfleet');
let fleet: Fleet;
let desk: Desk;
let planted: Planted[];
const seen = new Map<string, string>();

const see = (path: string, text: string): void => { seen.set(path, (seen.get(path) ?? '') + text); };
const both = ({ stdout, stderr }: Ended): string => `${stdout}\n${stderr}`;
const OPENED = ['--vault-password-file', 'secrets/vault'];
const apply = (playbook: string, ...words: string[]): Promise<Ended> => desk.apply(playbook, ...OPENED, ...words);

/** Names of files below folders of a host that hold a secret in any form. */
async function searchHost(path: string, ...folders: string[]): Promise<void> {
  for (const host of fleet.hosts) {
    const { stdout, stderr } = await fleet.execWith(grepPatterns([...planted, { name: 'PIN', value: PIN }]), host, 'grep', '-rlaF', '-D', 'skip', '--exclude=moduli', '-f', '/dev/stdin', ...folders);
    see(path, `looked into ${folders.join(' ')} of ${host} ${stderr}\n${stdout.split('\n').filter((line) => line !== '').map((line) => `LEAK ${line}`).join('\n')}`);
  }
}

async function searchHere(path: string, ...places: string[]): Promise<void> {
  const there = places.filter((place) => existsSync(place));
  const { stdout } = there.length === 0 ? { stdout: '' } : await run(['grep', '-rlaF', '-D', 'skip', '-f', '/dev/stdin', ...there], { input: grepPatterns(planted) });
  see(path, `looked at ${String(there.length)}\n${stdout.split('\n').filter((line) => line !== '').map((line) => `LEAK ${line}`).join('\n')}`);
}

beforeAll(async () => {
  process.stdout.write(`seed of the secrets: ${String(SEED)}\n`);
  fleet = new Fleet('lk', 16, 2);
  desk = new Desk(fleet);
  mkdirSync(join(desk.folder, 'tmp'));
  mkdirSync(join(desk.folder, 'home'));
  Object.assign(desk.env, { TMPDIR: join(desk.folder, 'tmp'), HOME: join(desk.folder, 'home'), HISTFILE: join(desk.folder, 'home/.bash_history') });
  desk.env['HSMFLEET_AGE_IDENTITY'] = join(desk.folder, 'secrets/age');
  planted = await setStage(desk, HSMFLEET, plantSecrets(SEED));
  const quiet = planted.filter(({ name }) => name !== 'environment');
  const stop = watchProcesses(quiet, [join(desk.folder, 'tmp')]);
  let sampled: Sampled;
  try {
    await perform();
  } finally {
    sampled = stop();
  }
  for (const [path, kind] of [['command lines of processes', 'command line'], ['environments of processes', 'environment']] as const) {
    see(path, `${[...sampled.programs].join('\n')}\n${[...sampled.leaks].filter((each) => each.startsWith(kind)).map((each) => `LEAK ${each}`).join('\n')}`);
  }
  see('core files of agent and program', [...sampled.cores].map((each) => (each.endsWith(' 0') ? each : `LEAK ${each}`)).join('\n'));
  see('temporary files while it runs', `${String(sampled.samples)} samples\n${[...sampled.files].map((file) => `LEAK ${file}`).join('\n')}`);
  await afterwards();
}, 900_000);

afterAll(() => {
  fleet.down();
  desk.remove();
});

/** Runs that show. */
async function perform(): Promise<void> {
  const [plain, verbose] = await Promise.all([apply('show.yml', '-l', 'web01'), apply('show.yml', '-l', 'web02', '-v')]);
  see('output of apply', both(plain));
  see('output of apply -v', both(verbose));
  see('output of apply -vv', both(await apply('show.yml', '-l', 'web02', '-vv', '-e', 'serial=2')));
  const told = both(await apply('show.yml', '-vvv', '--diff', '-e', 'serial=3'));
  for (const path of ['output of apply -vvv --diff', 'the debug task', 'registered results, shown', 'names of tasks', 'items of loops', 'handlers', 'messages of assertions and failures', 'failed conditions', 'output of programs, encoded', 'output of programs that fail', 'environment of a task', 'differences of files', 'errors of templates on hosts']) see(path, told);
  const [json, check] = [await apply('show.yml', '--json', '--diff', '-vvv', '-e', 'serial=4'), await apply('show.yml', '--check', '--diff', '-vv', '-e', 'serial=5')];
  see('events of apply --json', both(json));
  see('output of apply --check --diff', both(check));
  desk.write('plain.yml', '- hosts: all\n  gather_facts: false\n  tasks:\n    - { name: mode, file: { path: /srv/leak/content, mode: "0640" } }\n    - { name: plain contents over a secret, copy: { content: "nothing secret\\n", dest: /srv/leak/content, mode: "0640" } }\n');
  see('differences of a file whose old contents were secret', both(await apply('plain.yml', '--diff', '-vv', '-l', 'web01')));
  see('blocks, retries, other hosts, run_once', both(await apply('blocks.yml', '-vvv', '--diff')));
  const question = '(N)o/(y)es/(c)ontinue: ';
  see('apply --step on a terminal', both(await desk.typed([[question, 'y'], [question, 'y'], [question, 'c']], 'apply', 'show.yml', '-i', 'hosts.yml', ...OPENED, '-l', 'web01', '--step', '-e', 'serial=6')));
  see('output of apply -vvv over the system\'s ssh', both(await apply('show.yml', '-l', 'web01', '-vvv', '--debug', '-e', 'serial=7 ansible_connection=openssh')));
  see('tasks without a playbook', both(await desk.hsmfleet('run', 'all', '-i', 'hosts.yml', ...OPENED, '-vvv', '-m', 'debug', '-a', 'msg="{{ vault_pin }} {{ age_pin }} {{ whole_list }}"')));
  see('tasks without a playbook', both(await desk.hsmfleet('run', 'web01', '-i', 'hosts.yml', ...OPENED, '--json', '-m', 'command', '-a', '{"argv": ["sh", "-c", "cat; exit 1"], "stdin": "{{ vault_pin }}"}')));
  see('a login that is refused', both(await desk.hsmfleet('apply', 'plain.yml', '-i', 'stranger.yml', ...OPENED, '-vvv', '--debug')));
}

/** Mistakes, reports, the server, and what is left behind. */
async function afterwards(): Promise<void> {
  // what one of them cannot do is told by its own ways out, which were not looked at then
  for (const acts of [[mistakes, reports], [serve], [commands, leftOnHosts]]) {
    const ended = await Promise.allSettled(acts.map((act) => act()));
    for (const each of ended) if (each.status === 'rejected') process.stdout.write(`${String(each.reason).slice(0, 400)}\n`);
  }
  const state = join(desk.folder, 'state');
  await searchHere('the state folder of the control host', state);
  await searchHere('the store as bytes, with its log', ...readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => /\.sqlite|\.db|-wal$/.test(name)).map((name) => join(state, name)));
  await searchHere('temporary files of the control host', join(desk.folder, 'tmp'), '/dev/shm');
  await searchHere('shell history', join(desk.folder, 'home'), ...['.bash_history', '.node_repl_history', '.viminfo', '.lesshst'].map((name) => join(process.env.HOME ?? '/root', name)));
}

async function mistakes(): Promise<void> {
  for (const [index, playbook] of Object.values(MISTAKES).entries()) {
    const file = `mistake${String(index)}.yml`;
    desk.write(file, playbook);
    see('errors of compiling', both(await apply(file)));
    if (index < 2) see('errors of compiling with --debug', both(await apply(file, '--debug', '-vvv', '--json')));
  }
  // a file that is encrypted as a whole and no YAML once it is open: its lines are not for a message
  desk.write('broken.yml', `a: [${JSON.stringify(planted[0]?.value)}\n  b: ${JSON.stringify(planted[1]?.value)}: c\n\t"${planted[2]?.name ?? ''}`);
  await desk.hsmfleet('vault', 'encrypt', 'broken.yml', '--vault-password-file', 'secrets/vault');
  desk.write('reads-broken.yml', '- hosts: all\n  vars_files: [broken.yml]\n  tasks: []\n');
  see('excerpts of YAML errors', both(await apply('reads-broken.yml', '--debug')));
  const address = { ...desk.env, HSMFLEET_DATABASE_URL: `postgresql://anna:${encodeURIComponent(planted.find(({ name }) => name === 'login')?.value ?? '')}@127.0.0.1:1/fleet` };
  see('errors of a database address', both(await run([HSMFLEET, 'query', 'select 1', '--debug'], { cwd: desk.folder, env: address })));
  writeFileSync(join(desk.folder, 'secrets/wrong'), `${planted[3]?.value ?? ''}\n`, { mode: 0o600 });
  see('wrong passwords and identities', both(await desk.apply('show.yml', '--vault-password-file', 'secrets/wrong', '--age-identity', 'secrets/vault', '--debug')));
  see('wrong passwords and identities', both(await desk.apply('show.yml', '--vault-password-file', 'secrets/wrong', '--debug')));
}

async function reports(): Promise<void> {
  for (const format of ['terminal', 'json', 'junit', 'sarif', 'csv', 'html']) {
    see(`report of a check: ${format}`, both(await desk.hsmfleet('check', 'profile.yml', 'web01', '-i', 'hosts.yml', ...OPENED, '--format', format)));
  }
}

async function serve(): Promise<void> {
  let bodies = '';
  const hook = createServer((request, response) => {
    // but for the one header that is there to show it
    bodies += JSON.stringify({ ...request.headers, authorization: undefined });
    request.on('data', (part: Buffer) => (bodies += part.toString())).on('end', () => response.writeHead(204).end());
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const made = await desk.hsmfleet('serve-token', 'anna', '--role', 'operator');
  desk.write('serve.yml', [
    'listen: 127.0.0.1:0', `users: [{ name: anna, role: operator, token: "${/token: "([^"]+)"/.exec(made.stderr)?.[1] ?? ''}" }]`, 'hosts: [hosts.yml]', 'vault_password_files: [secrets/vault]',
    'notify:', `  webhook: [{ name: hook, url: "http://127.0.0.1:${String((hook.address() as AddressInfo).port)}/x", secret: !secret file:secrets/hook, authorization: !secret file:secrets/file, interval: 0 }]`,
    '  file: [{ name: archive, path: archive.ndjson }]',
    'schedules:', '  - { name: leaks, cron: "*/2 * * * * *", profile: profile.yml, timeout: 60s }', '',
  ].join('\n'));
  const server = desk.start('serve', '-c', 'serve.yml');
  let log = '';
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (part: Buffer) => (log += part.toString()));
  try {
    await vi.waitFor(() => { expect(log).toMatch(/ ready/); }, { timeout: 30_000, interval: 100 });
    const url = /url=(\S+)/.exec(log)?.[1] ?? '';
    const headers = { authorization: `Bearer ${made.stdout.trim()}` };
    const get = async (path: string): Promise<string> => (await fetch(`${url}${path}`, { headers })).text();
    const runs = JSON.parse(await get('/api/v1/runs')) as { items: { id: string }[] };
    for (const path of ['overview', 'hosts', 'hosts/web01', 'controls', 'controls/content', 'checks', 'schedules', 'runs', 'views', ...runs.items.slice(0, 12).flatMap(({ id }) => [`runs/${id}`, `runs/${id}/hosts/web01`])]) see('answers of the API', await get(`/api/v1/${path}`));
    const abort = new AbortController();
    const stream = await fetch(`${url}/api/v1/runs/${runs.items.at(-1)?.id ?? ''}/events`, { headers, signal: abort.signal });
    setTimeout(() => { abort.abort(); }, 1_500);
    try {
      for await (const part of stream.body ?? []) see('stream of the API', Buffer.from(part as Uint8Array).toString());
    } catch {
      // it does not end by itself
    }
    see('metrics', await get('/metrics'));
    await vi.waitFor(() => { expect(bodies).toContain('hsmfleet.notification'); }, { timeout: 120_000, interval: 200 });
  } finally {
    see('log of the server', log);
    if (server.exitCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    hook.close();
  }
  see('bodies of notifications', bodies + (existsSync(join(desk.folder, 'archive.ndjson')) ? readFileSync(join(desk.folder, 'archive.ndjson'), 'utf8') : ''));
}

async function commands(): Promise<void> {
  for (const list of ['--list-tasks', '--list-tags', '--list-hosts', '--syntax-check']) see('lists of hosts, tasks and tags', both(await apply('show.yml', list)));
  for (const words of [['web01'], ['web01', 'vault_pin'], ['web01', 'whole_list', '--playbook', 'show.yml'], ['web02', '--json', '--playbook', 'show.yml']]) see('hsmfleet vars', both(await desk.hsmfleet('vars', ...words, '-i', 'hosts.yml', ...OPENED)));
  see('hsmfleet vars', both(await desk.hsmfleet('vars', 'web01', '-i', 'hosts.yml')));
  for (const format of ['terminal', 'json', 'sarif']) for (const playbook of ['show.yml', 'mistake0.yml']) see('hsmfleet lint', both(await desk.hsmfleet('lint', playbook, '-i', 'hosts.yml', ...OPENED, '--strict', '--format', format)));
  see('hsmfleet hosts --vars', both(await desk.hsmfleet('hosts', '-i', 'hosts.yml', '--vars', ...OPENED)));
  const listed = await desk.hsmfleet('runs', '-n', '50', '--json');
  see('hsmfleet runs', both(listed));
  see('hsmfleet runs show', both(await desk.hsmfleet('runs', 'show', 'last', '--host', 'web01')));
  const ids = [...new Set([...listed.stdout.matchAll(/"id":"([^"]+)"/g)].map((match) => match[1] ?? ''))].slice(0, 12);
  for (const id of ids.slice(-4)) {
    see('hsmfleet runs show', both(await desk.hsmfleet('runs', 'show', id, '--host', 'web01', '--json')));
    see('hsmfleet runs log', both(await desk.hsmfleet('runs', 'log', id)));
  }
  see('hsmfleet runs diff', both(await desk.hsmfleet('runs', 'diff', ids.at(-1) ?? '', ids.at(-2) ?? '')));
  see('views of the store', both(await desk.hsmfleet('query', 'select * from task_results', '--format', 'json')) );
  see('inventory --json', both(await desk.hsmfleet('inventory', '-i', 'hosts.yml', 'web01', ...OPENED, '--json')));
  see('hsmfleet doctor --json', both(await desk.hsmfleet('doctor', 'web01', '-i', 'hosts.yml', ...OPENED, '--json')));
  see('hsmfleet changes', both(await desk.hsmfleet('changes')));
  const pin = join(desk.folder, 'secrets/file');
  see('a skeleton by hsmfleet init', both(await desk.hsmfleet('init', 'skeleton', '--webservers', 'web01', '--user', 'root', '--token', 'T', '--key-id', '01', '--pin-file', pin)));
  for (const name of existsSync(join(desk.folder, 'skeleton')) ? readdirSync(join(desk.folder, 'skeleton'), { recursive: true, encoding: 'utf8' }) : []) {
    try {
      see('a skeleton by hsmfleet init', readFileSync(join(desk.folder, 'skeleton', name), 'utf8'));
    } catch {
      // a folder
    }
  }
}

async function leftOnHosts(): Promise<void> {
  // what the playbook was to write is where it belongs
  for (const host of fleet.hosts) await fleet.must(host, 'rm', '-rf', '/srv/leak');
  await searchHost('journals on hosts', '/var/lib/hsmfleet');
  await searchHost('files kept for tasks on hosts', '/var/lib/hsmfleet/blobs', '/var/cache', '/srv');
  await searchHost('logs of hosts, of sudo and SSH', '/var/log');
  await searchHost('configuration and logs of the web server', '/etc/apache2', '/var/log/apache2');
  await searchHost('temporary folders and memory of hosts', '/tmp', '/var/tmp', '/run', '/dev/shm');
  await searchHost('homes on hosts', '/root', '/home', '/var/spool');
}

test('at least 30 ways out are looked at', () => {
  expect(Object.keys(PATHS).length).toBeGreaterThanOrEqual(30);
  expect([...seen.keys()].filter((path) => !(path in PATHS))).toEqual([]);
});

test.each(Object.entries(PATHS))('no secret in: %s', (path, proof) => {
  const text = seen.get(path) ?? '';
  // for those who look for a leak: all that was seen
  if (process.env.HSMFLEET_LEAKS !== undefined) {
    writeFileSync(join(process.env.HSMFLEET_LEAKS, `${path.replace(/\W+/g, '-')}.txt`), text);
    writeFileSync(join(process.env.HSMFLEET_LEAKS, 'planted.json'), JSON.stringify(planted, null, 1));
  }
  expect(text, `${path} was not looked at`).toMatch(proof);
  expect(text.split('\n').filter((line) => line.startsWith('LEAK '))).toEqual([]);
  const leaks = leaksIn(text, planted);
  expect(leaks).toEqual([]);
});

test('the search finds what it is for', () => {
  for (const { name, value } of planted) {
    for (const text of [value, JSON.stringify({ a: value }), encodeURIComponent(value), Buffer.from(`x:${value}\n`).toString('base64'), Buffer.from(value).toString('hex'), `${value.slice(0, 5)}\n   ${value.slice(5)}`]) expect([name, leaksIn(`… ${text} …`, planted)]).toEqual([name, expect.arrayContaining([name])]);
  }
  rmSync(join(desk.folder, 'skeleton'), { recursive: true, force: true });
});
