import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { commandsOf } from './documented-commands.ts';
import { Fleet, PIN, READ_ONLY_ENV, READ_ONLY_MODULE, WRITABLE_MODULE } from './fleet.ts';
import { blockOf, followPage, place, placeProject, STATION_PAGES, type Typed } from './guide-scene.ts';
import { Newcomer, type Answers } from './newcomer.ts';
import { SO_PIN, Station } from './station.ts';

/*
 * Every `hsmfleet` line of the pages about tokens, modules and benchmarks, and of README.md, which goes through everything. The
 * station has SoftHSM instead of a card. A benchmark with all its points takes minutes: the first is seen to measure and
 * interrupted, those after it measure one short point.
 */
const typed: Typed = new Map();
let fleet: Fleet;
let newcomer: Newcomer;
const person = (): Newcomer => newcomer;

beforeAll(() => {
  fleet = new Fleet('gt', 21, 2);
  const key = /ansible_ssh_private_key_file: (.*)/.exec(fleet.hostsFile())?.[1] as string;
  newcomer = new Newcomer(key, Object.fromEntries(fleet.hosts.flatMap((host) => [host, `${host}.example.net`].map((name) => [name, fleet.address(host)] as const))));
});
afterAll(() => {
  if (process.env.HSMFLEET_TRANSCRIPT !== undefined) writeFileSync(process.env.HSMFLEET_TRANSCRIPT, newcomer.transcript);
  fleet.down();
  newcomer.leave();
});

const FINDINGS = [0, 2];
const pinAsked: Answers = [[/PIN of .*: $/, PIN]];
const pinSet: Answers = [[/new PIN of .*: $/, PIN], [/again: $/, PIN]];
const soPin: Answers = [[/SO PIN of .*: $/, SO_PIN], ...pinSet];
const soPinSet: Answers = [[/SO PIN of [^,]*: $/, SO_PIN], [/SO PIN of .*again: $/, SO_PIN], ...pinSet];
/** A command that is no line of a page. */
async function must(line: string, folder: string, env: NodeJS.ProcessEnv = {}, answers: Answers = []): Promise<string> {
  const ended = await newcomer.type(line, { folder, env, answers });
  expect(ended.code, `${line}\n${ended.stdout}`).toBe(0);
  return ended.stdout;
}

/** A station in a folder of the newcomer's, the tokens of which can be kept and put back. */
class Bench {
  readonly folder: string;
  readonly #station: Station;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(newcomer.path(folder, 'secrets'), { recursive: true });
    this.#station = new Station({ folder: newcomer.path(folder), hsmfleet: (...words) => newcomer.type(['hsmfleet', ...words].join(' '), { folder }) });
  }

  get env(): NodeJS.ProcessEnv {
    return { HSMFLEET_MODULE: WRITABLE_MODULE, SOFTHSM2_CONF: this.#station.conf };
  }

  keep(name: string): void {
    cpSync(`${this.#station.drawer}/tokens`, `${this.#station.drawer}/${name}`, { recursive: true });
  }

  /** @param name undefined for no tokens at all */
  back(name?: string): void {
    rmSync(`${this.#station.drawer}/tokens`, { recursive: true });
    if (name === undefined) mkdirSync(`${this.#station.drawer}/tokens`);
    else cpSync(`${this.#station.drawer}/${name}`, `${this.#station.drawer}/tokens`, { recursive: true });
  }

  remove(...names: string[]): void {
    for (const name of names) rmSync(newcomer.path(this.folder, name), { force: true });
  }

  /** The laboratory's authority signs a request. */
  sign(request: string, certificate: string, authority = 'lab'): Promise<string> {
    return must(`hsmfleet token ca sign ${request} --ca ${authority} --out ${certificate}`, this.folder, this.env);
  }

  carry(): Promise<void> {
    return this.#station.carryTo(fleet, 'web01');
  }
}

/** The read-only way to the device that is carried to web01: the host's own one shows the token that it came with, by its label. */
const CARRIED_ENV = { P11_KIT_SERVER_ADDRESS: 'unix:path=/run/p11-kit-carried/pkcs11' };
const SHOW_CARRIED = `mkdir -p /run/p11-kit-carried; cd /run/p11-kit-carried
setsid p11-kit server -f -n $PWD/new --provider ${WRITABLE_MODULE} 'pkcs11:token=web01?write-protected=yes' </dev/null >/dev/null 2>&1 &
while [ ! -S new ]; do sleep 0.05; done
chmod 666 new; mv new pkcs11`;

let station: Bench;
const APPLY = 'hsmfleet apply playbooks/site.yml -i hosts.yml';
followPage('docs/guide/preparing-tokens.md', person, typed, {
  folder: 'station',
  env: () => station.env,
  async prepare() {
    placeProject(newcomer, 'station', ['web01'], { hsm_token: 'web01', hsm_module_env: CARRIED_ENV, server_name: 'web01.example.org' });
    await fleet.must('web01', 'sh', '-ec', SHOW_CARRIED);
    await must('hsmfleet hosts accept all -i web01,web02 --yes --trust-on-first-use', 'station');
    station = new Bench('station');
    place(newcomer, { 'station/pin': `${PIN}\n` });
    place(newcomer, { 'bin/pass': `#!/bin/sh\nprintf '%s\\n%s\\n' ${SO_PIN} ${PIN}\n` }, 0o755);
    await must('hsmfleet token ca init authority', 'station', station.env);
  },
  steps: {
    'hsmfleet token init --label web01': { answers: soPinSet },
    'hsmfleet token keygen --token web01 --type EC:prime256v1 --id 03 --label web01': { answers: pinAsked },
    'hsmfleet token csr --token web01 --id 03 --subject "/O=Example/CN=web01.example.org" --san DNS:web01.example.org --out web01.csr': { answers: pinAsked },
    'hsmfleet token load-cert web01.pem --token web01 --id 03': {
      async before() { station.keep('keyed'); await station.sign('web01.csr', 'web01.pem', 'authority'); },
      answers: pinAsked,
    },
    'hsmfleet token manifest key station.key': [{}, { before: () => { station.remove('station.key', 'station.key.pub'); } }],
    'hsmfleet token manifest create manifests/web01.json --token web01 --key station.key --pin-file pin': [{}, { before: () => { station.remove('manifests/web01.json'); } }],
    'hsmfleet apply playbooks/site.yml -i hosts.yml --manifest manifests/ --manifest-key station.key.pub': { before: () => station.carry() },
    'hsmfleet token objects --token web01 --login': { answers: pinAsked },
    'hsmfleet token delete --token web01 --id 03': { answers: [[/Type "yes" to go on: $/, 'yes'], ...pinAsked] },
    'hsmfleet token init --label web01 --so-pin-fd 3 --new-pin-fd 3 --yes 3< <(pass show tokens/web01)': { before: () => { station.back(); } },
    'hsmfleet token pin change --token web01': { answers: [...pinSet, ...pinAsked].reverse() },
    'hsmfleet token pin unblock --token web01': { answers: soPin },
    'hsmfleet token csr --id 03 --subject "/O=Example/CN=www.example.org" --san www.example.org --out www.csr': { before: () => { station.back('keyed'); }, answers: pinAsked },
    'hsmfleet token cert --self-signed --id 03 --subject /CN=www.example.org --san www.example.org --load --out www.pem': { answers: pinAsked },
    'hsmfleet token load-cert www.pem --id 03': { before: () => { station.back('keyed'); }, answers: pinAsked },
    'hsmfleet token ca sign www.csr --ca lab --days 90 --out www.pem': { before: () => { station.remove('www.pem'); } },
    'hsmfleet token renew --id 03 --out next.csr': { answers: pinAsked },
    'hsmfleet token load-cert next.pem --id 03 --replace': { before: () => station.sign('next.csr', 'next.pem'), answers: pinAsked },
    [APPLY]: [
      { before: () => station.carry() },
      {
        async before() {
          await station.carry();
          place(newcomer, { 'station/host_vars/web01.yml': 'hsm_key_id: "13"\n' });
        },
      },
    ],
    'hsmfleet token renew --id 03 --new-key EC:prime256v1 --new-id 13 --out next.csr': { before: () => { station.remove('next.csr', 'next.pem'); }, answers: pinAsked },
    'hsmfleet token load-cert next.pem --id 13': { before: () => station.sign('next.csr', 'next.pem'), answers: pinAsked },
    'hsmfleet token delete --id 03': { answers: [[/Type "yes" to go on: $/, 'yes'], ...pinAsked] },
  },
});

/** Sources of a module that is built in a second and read-only indeed: what they install is the host's own module to a read-only server. */
const SOURCES = `mkdir -p sc-hsm-embedded-2.9 && cd sc-hsm-embedded-2.9 && printf '#!/bin/sh\\necho configured\\n' > configure && chmod 755 configure \
&& printf 'all:\\n\\tcp ${READ_ONLY_MODULE} libsc-hsm-pkcs11.so\\ninstall:\\n\\tinstall -D libsc-hsm-pkcs11.so $(DESTDIR)/usr/lib/x86_64-linux-gnu/libsc-hsm-pkcs11.so\\n' > Makefile && cd .. && tar -czf sc-hsm-embedded-2.9.tar.gz sc-hsm-embedded-2.9`;
/** In the folder: sources, module.yml, and a hosts file with a builder. */
async function placeModule(folder: string): Promise<void> {
  await must(SOURCES, folder);
  const archive = newcomer.path(folder, 'sc-hsm-embedded-2.9.tar.gz');
  const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
  place(newcomer, {
    [`${folder}/module.yml`]: `module_source: ${archive}\nmodule_sha256: ${sha256}\nmodule_version: "2.9"\nmodule_build_depends: []\nmodule_depends: []\nmodule_regenerate: "no"\n`,
    [`${folder}/hosts.yml`]: `builders: { hosts: { web01: } }\nwebservers:\n  hosts:\n    web01: ${JSON.stringify({ hsm_module_env: CARRIED_ENV })}\n    web02:\n  vars: ${JSON.stringify({ hsm_module: '/usr/lib/x86_64-linux-gnu/libsc-hsm-pkcs11.so', hsm_module_env: READ_ONLY_ENV })}\n`,
  });
}
followPage('docs/guide/building-the-module.md', person, typed, {
  folder: 'module',
  async prepare() {
    mkdirSync(newcomer.path('module'), { recursive: true });
    await placeModule('module');
    placeProject(newcomer, 'module/rest', ['web01']);
    cpSync(newcomer.path('module/rest/playbooks'), newcomer.path('module/playbooks'), { recursive: true });
  },
  steps: { 'hsmfleet artifacts': { shows: /libsc-hsm-pkcs11/ } },
});

/** One short point instead of all of them. */
const short = (words: string) => (): [string, string][] => [[words, `${words} --concurrency 2 --seconds 1`]];
followPage('docs/guide/benchmarking.md', person, typed, {
  folder: 'station',
  env: () => station.env,
  // an application, as far as a load is concerned
  prepare: () => fleet.must('web01', 'sh', '-c', 'echo application > /var/www/hsmfleet/app.php'),
  steps: {
    'hsmfleet bench run -i hosts.yml web01': { until: async () => (await fleet.exec('web01', 'pgrep', '-x', 'siege')).code === 0 },
    'hsmfleet bench run -i hosts.yml web01 --mpm prefork,one-process': {
      // the one that was interrupted ends with the point that it measures
      before: () => vi.waitFor(async () => { expect((await fleet.exec('web01', 'pgrep', '-f', '/var/lib/hsmfleet/agent')).code).toBe(1); }, { timeout: 60_000, interval: 1000 }),
      instead: short('--mpm prefork,one-process'),
    },
    'hsmfleet bench run -i hosts.yml web01 --resumption both': { instead: short('--resumption both') },
    'hsmfleet bench run -i hosts.yml web01 --path / --path /app.php': { instead: short('--path / --path /app.php') },
    // two modules of real cards
    'hsmfleet bench sign -m /usr/local/lib/libsc-hsm-pkcs11.so -m /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so --id 03 --pin-file pin': {
      before: async () => {
        station.back('keyed');
        // a station serves nothing, and the test's hosts are processes of this machine
        for (const host of fleet.hosts) await fleet.exec(host, 'apachectl', '-k', 'stop');
        await vi.waitFor(async () => { for (const host of fleet.hosts) expect((await fleet.exec(host, 'pgrep', '-x', 'apache2')).code).toBe(1); }, { timeout: 30_000, interval: 500 });
      },
      instead: () => [['-m /usr/local/lib/libsc-hsm-pkcs11.so -m /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so', `-m ${WRITABLE_MODULE}`]],
    },
  },
});

let desk: Bench;
const MANIFEST = `${APPLY} --manifest web01.json --manifest-key operator.key.pub`;
followPage('README.md', person, typed, {
  folder: 'fleet',
  env: () => ({ ...desk.env, ANSIBLE_VAULT_PASSWORD_FILE: '.vault-password' }),
  prepare: () => {
    place(newcomer, { '.ssh/known_hosts': '' });
    desk = new Bench('readme-station');
  },
  steps: {
    // the others are typed in the folder that this one makes
    'hsmfleet init fleet': {
      instead: () => [['hsmfleet init fleet', 'unset ANSIBLE_VAULT_PASSWORD_FILE; cd ..; rmdir fleet; hsmfleet init fleet']],
      answers: [
        [/Webservers.*: $/, 'web[01:02].example.net'], [/Log in there.*: $/, ''], [/Label of the tokens.*: $/, 'web01'], [/ID of the key.*: $/, '03'],
        [/PIN of the tokens "web01": $/, PIN], [/again: $/, PIN],
      ],
    },
    'hsmfleet hosts accept webservers -i hosts.yml': {
      async before() {
        const file = newcomer.path('fleet/group_vars/webservers/main.yml');
        writeFileSync(file, readFileSync(file, 'utf8').replace(/^hsm_module: .*$/m, `hsm_module: ${READ_ONLY_MODULE}\nhsm_module_env: ${JSON.stringify(READ_ONLY_ENV)}`));
        cpSync(newcomer.path('station/playbooks'), newcomer.path('fleet/playbooks'), { recursive: true });
        // web01 has the device that was carried there; the other one the token that it came with
        place(newcomer, { 'fleet/host_vars/web02.example.net.yml': 'hsm_token: fleet-web02\n', 'fleet/host_vars/web01.example.net.yml': `hsm_key_id: "13"\nhsm_module_env: ${JSON.stringify(CARRIED_ENV)}\n` });
      },
      answers: [[/Type "yes" to go on: $/, 'yes']],
    },
    'hsmfleet doctor webservers -i hosts.yml': { codes: FINDINGS },
    'hsmfleet token init --label web01': { answers: soPinSet },
    'hsmfleet token keygen --type EC:prime256v1 --id 03 --label shop': { answers: pinAsked },
    'hsmfleet token csr --id 03 --subject /C=DE/O=Example/CN=www.example.org --san DNS:www.example.org --out shop.csr': { answers: pinAsked },
    'hsmfleet token load-cert shop.pem --id 03': {
      before: () => must(`hsmfleet token ca sign shop.csr --ca ${newcomer.path('station/authority')} --out shop.pem`, 'fleet', desk.env),
      answers: pinAsked,
    },
    [MANIFEST]: {
      async before() {
        await desk.carry();
        place(newcomer, { 'fleet/host_vars/web01.example.net.yml': `hsm_module_env: ${JSON.stringify(CARRIED_ENV)}\n` });
      },
      // this manifest is about one of the two
      instead: () => [[APPLY, `${APPLY} -l web01.example.net`]],
    },
    'hsmfleet apply playbooks/build-module.yml -i hosts.yml -e @module.yml': {
      async before() {
        await placeModule('fleet');
        await must('hsmfleet hosts accept all -i web01,web02 --yes --trust-on-first-use', 'fleet');
        place(newcomer, { 'fleet/host_vars/web02.yml': 'hsm_token: fleet-web02\n', 'fleet/host_vars/web01.yml': `hsm_module_env: ${JSON.stringify(CARRIED_ENV)}\n` });
      },
    },
    'hsmfleet bench run -i hosts.yml web01 && hsmfleet bench report --out report': { instead: short('web01') },
    'hsmfleet check playbooks/profiles/hsm-webserver.yml -i hosts.yml': { codes: FINDINGS },
    'hsmfleet check our-profile.yml -i hosts.yml --format junit -o report.xml': {
      before: () => { place(newcomer, { 'fleet/our-profile.yml': blockOf('docs/guide/compliance.md', 'profile: our-webservers'), 'fleet/motd.yml': '- hosts: webservers\n  tasks: [{ copy: { content: "call us\\n", dest: /etc/motd, mode: "0644" } }]\n' }); },
      codes: FINDINGS,
    },
    'hsmfleet serve -c serve.yml': {
      before: () => { place(newcomer, { 'fleet/serve.yml': 'listen: 127.0.0.1:0\nhosts: [hosts.yml]\nschedules:\n  - { name: nightly, cron: "30 2 * * *", profile: playbooks/profiles/hsm-webserver.yml }\n' }); },
      until: / ready$/m,
    },
  },
});

test('no line of these pages was left out', () => {
  expect(Object.fromEntries(STATION_PAGES.map((page) => [page, typed.get(page) ?? []]))).toEqual(Object.fromEntries(STATION_PAGES.map((page) => [page, commandsOf(page).map(({ text }) => text)])));
});
