import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf } from './documented-commands.ts';
import { Fleet, PIN, READ_ONLY_ENV, READ_ONLY_MODULE, recap, ROOT } from './fleet.ts';
import { Newcomer, type Answers } from './newcomer.ts';
import { servedKey } from './requests.ts';

/* The page docs/guide/getting-started.md, line by line, as somebody who has nothing but an SSH key types it. */
const PAGE = 'docs/guide/getting-started.md';
const HOSTS = 2;
const ENV = { ANSIBLE_VAULT_PASSWORD_FILE: '.vault-password' };

let fleet: Fleet;
let newcomer: Newcomer;
const typed = new Set<string>();

beforeAll(() => {
  fleet = new Fleet('gs', 18, HOSTS);
  const key = /ansible_ssh_private_key_file: (.*)/.exec(fleet.hostsFile())?.[1] as string;
  newcomer = new Newcomer(key, Object.fromEntries(fleet.hosts.map((host) => [`${host}.example.net`, fleet.address(host)])));
});
afterAll(() => {
  if (process.env.HSMFLEET_TRANSCRIPT !== undefined) writeFileSync(process.env.HSMFLEET_TRANSCRIPT, newcomer.transcript);
  fleet.down();
  newcomer.leave();
});

/** Types a line of the page; a line that the page does not have is a mistake in this test. */
async function follow(line: string, folder: string, answers: Answers = [], code = 0): Promise<string> {
  expect(commandsOf(PAGE).map(({ text }) => text)).toContain(line);
  typed.add(line);
  const ended = await newcomer.type(line, { folder, answers, env: folder === '' ? {} : ENV });
  expect(ended.code, `${line}\n${ended.stdout}`).toBe(code);
  expect(ended.stdout).not.toContain(PIN);
  return ended.stdout;
}

test('the program is there, and finds nothing wrong with its own machine', async () => {
  expect(await follow('hsmfleet version', '')).toMatch(/^hsmfleet \d/);
  await follow('hsmfleet doctor', '');
});

test('a project is made from five answers', async () => {
  const shown = await follow('hsmfleet init fleet', '', [
    [/Webservers.*: $/, `web[01:0${String(HOSTS)}].example.net`], [/Log in there.*: $/, ''], [/Label of the tokens.*: $/, 'fleet'], [/ID of the key.*: $/, '03'],
    [/PIN of the tokens "fleet": $/, PIN], [/again: $/, PIN],
  ]);
  expect(shown).toContain('README.md has the commands in their order');
  // the test tokens have labels of their own, and their module needs to know where the reader is
  const file = newcomer.path('fleet/group_vars/webservers/main.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^hsm_module: .*$/m, `hsm_module: ${READ_ONLY_MODULE}\nhsm_module_env: ${JSON.stringify(READ_ONLY_ENV)}`).replace('"fleet"', '"fleet-{{ inventory_hostname_short }}"'));
});

test('variables tell where they come from', async () => {
  expect(await follow('hsmfleet vars web01.example.net -i hosts.yml', 'fleet')).toMatch(/server_name/);
  expect(await follow('hsmfleet vars web01.example.net hsm_token -i hosts.yml', 'fleet')).toMatch(/group_vars\/webservers\/main\.yml/);
});

test('hosts are met, and looked at without a PIN', async () => {
  expect(await follow('hsmfleet hosts accept webservers -i hosts.yml', 'fleet', [[/yes.*: $/, 'yes']])).toMatch(/SHA256:/);
  expect(newcomer.read('.ssh/known_hosts').split('\n').filter((line) => line !== '').length).toBeGreaterThanOrEqual(HOSTS);
  // bare webservers: the first link that is missing is one that the playbook makes
  await follow('hsmfleet doctor webservers -i hosts.yml', 'fleet', [], 2);
  expect(await follow('hsmfleet inventory -i hosts.yml', 'fleet')).toContain('fleet-web01');
  expect(await follow('hsmfleet query "select host, token, label, type, bits from keys order by host, label"', 'fleet')).toContain('ec256');
});

test('the site is rolled out, on one host first', async () => {
  expect(recap(await follow('hsmfleet apply site.yml -i hosts.yml -l "webservers[0]" --check --diff', 'fleet'))['web01.example.net']).toMatchObject({ failed: 0, refused: 0 });
  expect(Object.keys(recap(await follow('hsmfleet apply site.yml -i hosts.yml -l "webservers[0]"', 'fleet')))).toEqual(['web01.example.net']);
  const first = await follow('hsmfleet apply site.yml -i hosts.yml', 'fleet');
  expect(recap(first)['web02.example.net']).toMatchObject({ failed: 0, refused: 0, unreachable: 0 });
  const again = await newcomer.type('hsmfleet apply site.yml -i hosts.yml', { folder: 'fleet', env: ENV });
  for (const counts of Object.values(recap(again.stdout))) expect(counts).toMatchObject({ changed: 0, failed: 0 });
});

test('and proven', async () => {
  await follow('hsmfleet doctor webservers -i hosts.yml', 'fleet');
  const page = await newcomer.type('curl -sk https://web01.example.net/', { folder: 'fleet' });
  expect(page.stdout).toContain('Served by web01.example.net with a key that cannot leave its token');
  expect(await servedKey(fleet.address('web01'), 'web01.example.net')).toMatch(/^[0-9a-f]{64}$/);
});

test('no line of the page was left out', () => {
  expect(commandsOf(PAGE).map(({ text }) => text).filter((text) => !typed.has(text))).toEqual([]);
  const page = readFileSync(join(ROOT, PAGE), 'utf8');
  for (const line of ['curl -sk https://web01.example.net/', `export ANSIBLE_VAULT_PASSWORD_FILE=${ENV.ANSIBLE_VAULT_PASSWORD_FILE}`]) expect(page).toContain(`    ${line}\n`);
});
