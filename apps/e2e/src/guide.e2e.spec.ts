import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf } from './documented-commands.ts';
import { Fleet, PIN, ROOT, run, WRITABLE_MODULE, type Ended } from './fleet.ts';
import { blockOf, followPage, place, placeProject, signal, STATION_PAGES, WEBSERVERS, type Typed } from './guide-scene.ts';
import { Newcomer } from './newcomer.ts';
import { Station } from './station.ts';
import { TestDatabase } from './test-database.ts';

/*
 * Every `hsmfleet` line of the guide is typed, page after page, in the folder that a person following the page would have.
 * Pages of stations and benchmarks are followed by guide-station.e2e.spec.ts, the first page by getting-started.e2e.spec.ts.
 */
const GUIDE = 'docs/guide';
/** A name of the guide that no host of its own has here: it is another name of the last one. */
const ALIAS = 'web07';
const FINDINGS = [0, 2];
const typed: Typed = new Map();
let fleet: Fleet;
let newcomer: Newcomer;
let database: TestDatabase;
const person = (): Newcomer => newcomer;

beforeAll(async () => {
  database = await TestDatabase.make('guide');
  fleet = new Fleet('gd', 17, 3);
  const key = /ansible_ssh_private_key_file: (.*)/.exec(fleet.hostsFile())?.[1] as string;
  newcomer = new Newcomer(key, Object.fromEntries([...fleet.hosts.map((host) => [host, fleet.address(host)] as const), [ALIAS, fleet.address('web03')]]));
});
afterAll(async () => {
  if (process.env.HSMFLEET_TRANSCRIPT !== undefined) writeFileSync(process.env.HSMFLEET_TRANSCRIPT, newcomer.transcript);
  fleet.down();
  newcomer.leave();
  await database.drop();
});

const yes = [[/Type "yes" to go on: $/, 'yes']] as const;
const forget = (): void => { place(newcomer, { '.ssh/known_hosts': '' }); };
/** Ids of runs, the newest first. */
async function runs(folder: string): Promise<string[]> {
  return (JSON.parse((await newcomer.type('hsmfleet runs --json', { folder })).stdout) as { id: string }[]).map(({ id }) => id);
}

followPage(`${GUIDE}/ssh.md`, person, typed, {
  folder: 'ssh',
  prepare: () => { place(newcomer, { 'ssh/hosts.yml': `webservers: { hosts: { web01: , web02: , web03: , ${ALIAS}: } }\n` }); },
  steps: {
    'hsmfleet hosts accept -i hosts.yml': { answers: yes, shows: /SHA256:/ },
    'hsmfleet hosts accept -i hosts.yml "webservers:!web07"': { before: forget, answers: yes, shows: /SHA256:/ },
    'hsmfleet hosts accept -i hosts.yml --yes --fingerprints fingerprints.txt': {
      async before() {
        // as if they had come from the consoles: "web01 SHA256:…"
        const lines = await Promise.all(fleet.hosts.map(async (host) => {
          const { stdout } = await run(['sh', '-c', 'ssh-keyscan -t ed25519 "$0" 2>/dev/null | ssh-keygen -lf -', fleet.address(host)]);
          return [host, ...(host === 'web03' ? [ALIAS] : [])].map((name) => `${name} ${/SHA256:\S+/.exec(stdout)?.[0] ?? ''}\n`);
        }));
        forget();
        place(newcomer, { 'ssh/fingerprints.txt': lines.flat().join('') });
      },
    },
  },
});

followPage(`${GUIDE}/hosts.md`, person, typed, {
  folder: 'hosts',
  async prepare() {
    // whatever became of the page before
    await newcomer.type('hsmfleet hosts accept all -i web01,web02,web03 --yes --trust-on-first-use');
    placeProject(newcomer, 'hosts', fleet.hosts);
    place(newcomer, {
      'hosts/hosts.ini': '[web]\nweb[01:03].example.net  http_port=8080 motto="two words"\nold.example.net:2222\n\n[web:vars]\nadmins=[\'ann\', \'bob\']\n\n[prod:children]\nweb\n',
      'hosts/extra.yml': 'web: { hosts: { web02: } }\nprod: { hosts: { web02: } }\n',
      'hosts/failed.retry': 'web02.example.net\nold.example.net\n',
      'hosts/site.yml': '- hosts: web\n  vars: { http_port: 8443 }\n  tasks: [{ debug: { msg: "{{ http_port }}" } }]\n',
    });
  },
  steps: { 'hsmfleet vars web01.example.net http_port -i hosts.ini --playbook site.yml': { shows: /8443(.|\n)*overrides 8080/ } },
});

followPage(`${GUIDE}/moving-from-ansible.md`, person, typed, {
  folder: 'moving',
  prepare: () => {
    place(newcomer, {
      'moving/inventory.ini': '[webservers]\nweb[01:03] ansible_user=root\n',
      'moving/site.yml': '---\n- name: Message of the day\n  hosts: webservers\n  tasks:\n    - name: It says whom to call\n      ansible.builtin.copy:\n        content: "call us\\n"\n        dest: /etc/motd\n        mode: "0644"\n',
    });
  },
  steps: { 'hsmfleet lint site.yml': { codes: FINDINGS } },
});

followPage(`${GUIDE}/rolling-out.md`, person, typed, {
  folder: 'fleet',
  prepare: () => { placeProject(newcomer, 'fleet', fleet.hosts); },
  steps: {
    // bare webservers: the first link that is missing is one that the playbook makes
    'hsmfleet doctor webservers -i hosts.yml': { codes: [2] },
    'hsmfleet runs': {
      // a host with another token than the variables say is what goes wrong
      async before() {
        place(newcomer, { 'fleet/host_vars/web02.yml': 'hsm_token: no-such-token\n' });
        expect((await newcomer.type('hsmfleet apply site.yml -i hosts.yml', { folder: 'fleet' })).code).toBe(2);
      },
    },
    'hsmfleet runs show last': { shows: /web02/ },
    'hsmfleet apply --retry last': { before: () => { rmSync(newcomer.path('fleet/host_vars/web02.yml')); }, shows: /web02 +: ok=\d+ +changed=0/ },
    'hsmfleet check playbooks/profiles/hsm-webserver.yml -i hosts.yml': { codes: FINDINGS },
  },
});

followPage(`${GUIDE}/compliance.md`, person, typed, {
  folder: 'fleet',
  steps: { 'hsmfleet check playbooks/profiles/hsm-webserver.yml -i hosts.yml': { codes: FINDINGS } },
});

followPage(`${GUIDE}/troubleshooting.md`, person, typed, { folder: 'fleet', prepare: () => { place(newcomer, { '.vault-password': 'open\n' }); } });

const SLOW = '- hosts: webservers\n  gather_facts: false\n  tasks:\n    - command: sleep 2\n    - command: sleep 2\n    - command: sleep 1\n';
followPage(`${GUIDE}/runs.md`, person, typed, {
  folder: 'fleet',
  prepare: () => {
    place(newcomer, { 'fleet/slow.yml': SLOW, 'fleet/mended.yml': '- hosts: webservers\n  gather_facts: false\n  tasks: [{ command: test -e /root/mended }]\n' });
  },
  steps: {
    'hsmfleet runs diff 1a2b3c 4d5e6f': { instead: () => [['1a2b3c', newest[0] ?? ''], ['4d5e6f', newest[1] ?? '']], before: async () => { newest = await runs('fleet'); } },
    'hsmfleet apply --resume last': {
      async before() {
        const cut = await newcomer.type('hsmfleet apply slow.yml -i hosts.yml', { folder: 'fleet', interrupt: async (shown) => { while (!shown().includes('PLAY [')) await sleep(100); await sleep(1500); } });
        expect(cut.code, cut.stdout).not.toBe(0);
      },
      shows: /web01 +: ok=\d+ .*failed=0/,
    },
    'hsmfleet apply --retry last': {
      async before() {
        await fleet.must('web01', 'touch', '/root/mended');
        expect((await newcomer.type('hsmfleet apply mended.yml -i hosts.yml', { folder: 'fleet' })).code).toBe(2);
        for (const host of ['web02', 'web03']) await fleet.must(host, 'touch', '/root/mended');
      },
    },
    'hsmfleet runs cancel last --reason "wrong certificate"': {
      async before() {
        const begun = signal();
        stopped = newcomer.type('hsmfleet apply slow.yml -i hosts.yml', { folder: 'fleet', interrupt: async (shown) => { while (!shown().includes('PLAY [')) await sleep(100); begun.reach(); await sleep(60_000); } });
        await begun.reached;
      },
    },
  },
});
let newest: string[] = [];
let stopped: Promise<Ended> | undefined;
test('the run that was stopped has ended, and says why', async () => {
  const ended = await stopped;
  expect(ended?.code).not.toBe(0);
  expect(ended?.stdout).toContain('wrong certificate');
});

/** The server's file as the page has it, with tokens that are some, on a port that is free. */
async function placeServer(folder: string): Promise<void> {
  const hash = /scrypt\$\S+/.exec((await newcomer.type('hsmfleet serve-token anna --role operator', { folder })).stdout)?.[0].replace(/["'},]+$/, '') ?? '';
  place(newcomer, {
    [`${folder}/serve.yml`]: blockOf(`${GUIDE}/schedules.md`, 'listen: 127.0.0.1:8443').replaceAll('scrypt$…', hash).replace(':8443', ':0'),
    [`${folder}/profiles/expiry.yml`]: 'profile: expiry\ntitle: What ends soon\nextends: ../playbooks/profiles/hsm-webserver.yml\n',
  });
}
followPage(`${GUIDE}/dashboard-security.md`, person, typed, { folder: 'fleet' });
followPage(`${GUIDE}/dashboard.md`, person, typed, { folder: 'fleet' });
followPage(`${GUIDE}/schedules.md`, person, typed, {
  folder: 'fleet',
  prepare: () => placeServer('fleet'),
  steps: { 'hsmfleet serve -c serve.yml --check-config': { shows: /nightly/ }, 'hsmfleet serve -c serve.yml': { until: / listening / } },
});

const PASSWORD = [[/assword.*: $/, 'open sesame'], [/again: $/, 'open sesame']] as const;
const TEXT = [[/Text to encrypt: $/, PIN], [/again: $/, PIN]] as const;
const variables = `${Object.entries(WEBSERVERS).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join('')}`;
followPage(`${GUIDE}/vault.md`, person, typed, {
  folder: 'vault',
  env: () => ({ EDITOR: '/root/bin/type-door', SOFTHSM2_CONF: `${newcomer.path('vault/drawer')}/softhsm2.conf`, HSMFLEET_MODULE: WRITABLE_MODULE }),
  async prepare() {
    placeProject(newcomer, 'vault', fleet.hosts, {}, '');
    rmSync(newcomer.path('vault/group_vars/webservers.yml'));
    place(newcomer, { 'vault/group_vars/webservers/main.yml': variables, '.vault-prod': 'open prod\n', 'vault/old': 'open old\n', 'vault/new': 'open new\n', 'vault/host_vars/web01/vault.yml': 'door: "one"\n', 'vault/host_vars/web02/vault.yml': 'door: "two"\n', 'vault/backup': 'a backup\n' });
    place(newcomer, { 'bin/type-pin': `#!/bin/sh\nprintf 'token_pin: "%s"\\n' ${PIN} > "$1"\n`, 'bin/type-door': '#!/bin/sh\nprintf \'door: "four"\\n\' > "$1"\n' }, 0o755);
    await newcomer.type('hsmfleet vault encrypt backup --output backup.tar.vault', { folder: 'vault', answers: PASSWORD });
    await newcomer.type('mkdir -p ~/.config/hsmfleet && age-keygen -o ~/.config/hsmfleet/age.key && age-keygen -y ~/.config/hsmfleet/age.key > team.txt', { folder: 'vault' });
  },
  steps: {
    'hsmfleet vault encrypt-string --name token_pin --vault-id prod@~/.vault-prod >> group_vars/webservers/main.yml': { answers: TEXT },
    'hsmfleet vault create group_vars/webservers/vault.yml': { answers: PASSWORD },
    'hsmfleet vault edit group_vars/webservers/vault.yml': { answers: PASSWORD },
    'hsmfleet vault view group_vars/webservers/vault.yml': { answers: PASSWORD, shows: /door: "four"/ },
    'hsmfleet vault encrypt host_vars/*/vault.yml --vault-id prod@prompt': { answers: [[/assword.*: $/, 'open old'], [/again: $/, 'open old']] },
    'hsmfleet vault decrypt backup.tar.vault --output backup.tar': { answers: PASSWORD },
    'hsmfleet vault encrypt-string --name token_pin --age-recipients-file team.txt >> group_vars/webservers/main.yml': { before: () => { place(newcomer, { 'vault/group_vars/webservers/main.yml': variables }); }, answers: TEXT },
    'hsmfleet vault encrypt group_vars/webservers/secrets.yml --age-recipients-file team.txt': { before: () => { place(newcomer, { 'vault/group_vars/webservers/secrets.yml': 'door: "three"\n' }); } },
    'hsmfleet apply site.yml -i hosts.yml --age-identity ~/.config/hsmfleet/age.key': {
      // those of other people, with passwords that this one does not have
      before: () => { for (const other of ['group_vars/webservers/vault.yml', 'host_vars']) rmSync(newcomer.path('vault', other), { recursive: true }); },
    },
    'hsmfleet vault rekey group_vars/*/main.yml --vault-id prod@old --age-recipients-file team.txt': {
      async before() {
        place(newcomer, { 'vault/group_vars/webservers/main.yml': variables });
        await newcomer.type('hsmfleet vault encrypt-string --name token_pin --vault-id prod@old >> group_vars/webservers/main.yml', { folder: 'vault', answers: TEXT });
      },
      shows: /rekeyed .*1 value/,
    },
    'hsmfleet token keygen --token web1 --type rsa:2048 --id 01 --label web1 --pin-vault group_vars/webservers/vault.yml:token_pin --ask-vault-pass': {
      async before() {
        const station = new Station({ folder: newcomer.path('vault'), hsmfleet: (...words) => newcomer.type(['hsmfleet', ...words].join(' '), { folder: 'vault' }) });
        await station.must('init', '--label', 'web1', '--so-pin-file', 'secrets/so-pin', '--new-pin-file', 'secrets/pin', '--yes');
        await newcomer.type('hsmfleet vault create group_vars/webservers/vault.yml', { folder: 'vault', env: { EDITOR: '/root/bin/type-pin' }, answers: PASSWORD });
      },
      answers: PASSWORD,
    },
  },
});

followPage(`${GUIDE}/scale.md`, person, typed, {
  folder: 'srv/fleet',
  env: () => ({ HSMFLEET_DATABASE_URL: database.url }),
  prepare: () => { placeProject(newcomer, 'srv/fleet', fleet.hosts); },
  steps: { 'hsmfleet worker --project /srv/fleet': { until: / takes hosts of /, meanwhile: true } },
});

// the last: without what the agents keep on hosts
followPage(`${GUIDE}/upgrading.md`, person, typed, {
  folder: 'fleet',
  prepare: () => {
    place(newcomer, { 'fleet/our-profile.yml': blockOf(`${GUIDE}/compliance.md`, 'profile: our-webservers'), 'fleet/motd.yml': '- hosts: webservers\n  tasks: [{ copy: { content: "call us\\n", dest: /etc/motd, mode: "0644" } }]\n' });
  },
  steps: { 'hsmfleet check our-profile.yml -i hosts.yml': { codes: FINDINGS } },
});

test('nothing of the agent is left on hosts', async () => {
  await expect.poll(async () => (await Promise.all(fleet.hosts.map((host) => fleet.exec(host, 'test', '-e', '/var/lib/hsmfleet')))).map(({ code }) => code), { timeout: 30_000 }).toEqual(fleet.hosts.map(() => 1));
});

test('no line of any page was left out', () => {
  const pages = readdirSync(join(ROOT, GUIDE)).filter((name) => name.endsWith('.md')).map((name) => `${GUIDE}/${name}`).filter((page) => ![...STATION_PAGES, `${GUIDE}/getting-started.md`].includes(page));
  expect(Object.fromEntries(pages.map((page) => [page, typed.get(page) ?? []]))).toEqual(Object.fromEntries(pages.map((page) => [page, commandsOf(page).map(({ text }) => text)])));
});
