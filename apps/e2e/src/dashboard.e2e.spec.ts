import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@hsmfleet/store';
import { openBrowser, sidewaysScroll, watchPage, type BrowserAtWork } from '@hsmfleet/web/testkit';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { run, ROOT } from './fleet.ts';
import { MADE_UP_PROFILE, madeUpHost, madeUpInventoryRun, madeUpOldCheck, madeUpPoints, madeUpRollOut, madeUpTasks, stampRun } from './made-up-fleet.ts';

/*
 * The dashboard as people have it: `hsmfleet serve` over a store with 1,000 hosts, in a browser. Pictures for the guide are
 * taken on the way: HSMFLEET_PICTURES=docs/guide/img puts them there.
 */
const HOSTS = 1_000;
const PICTURES = join(ROOT, process.env['HSMFLEET_PICTURES'] ?? '.cache/dashboard-pictures');
const HSMFLEET = join(ROOT, 'apps/cli/bin/hsmfleet');
/** Long enough ago that a query can ask for the time before it. */
const START = Date.now() - 3 * 3_600_000;
const ROLL_OUT = '20261124-roll-out';
const LIVE = '20261124-live';

let folder: string;
let store: Store;
let server: ChildProcess;
let origin: string;
let token: string;
let browser: BrowserAtWork;
let log = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-dashboard-'));
  mkdirSync(PICTURES, { recursive: true });
  const until = new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10);
  writeFileSync(join(folder, 'profile.yml'), MADE_UP_PROFILE.replace('UNTIL', until));
  writeFileSync(join(folder, 'hosts.yml'), `all:\n  hosts:\n${Array.from({ length: HOSTS }, (_, n) => `    ${madeUpHost(n)}:\n`).join('')}`);
  store = await openStore(join(folder, 'store.sqlite'));
  await fillStore(store);

  const made = await run([HSMFLEET, 'serve-token', 'otto', '--role', 'operator'], { cwd: folder });
  token = made.stdout.trim();
  const hash = /token: "([^"]+)"/.exec(made.stderr)?.[1] ?? '';
  writeFileSync(join(folder, 'serve.yml'), [
    'listen: 127.0.0.1:0', 'store: store.sqlite', 'hosts: [hosts.yml]', `users: [{ name: otto, role: operator, token: "${hash}" }]`,
    'schedules:', '  - { name: nightly, cron: "30 2 * * *", timezone: Europe/Berlin, profile: profile.yml, evidence: snapshot }',
  ].join('\n'));
  server = spawn(HSMFLEET, ['serve', '-c', 'serve.yml'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  server.stderr?.on('data', (part: Buffer) => (log += part.toString()));
  browser = await openBrowser();
  await vi.waitFor(() => expect(log, log).toMatch(/ ready/), { timeout: 30_000, interval: 100 });
  origin = /url=(\S+)/.exec(log)?.[1] ?? '';
}, 120_000);

afterAll(async () => {
  await browser?.close();
  if (server?.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Weeks of checks, an inventory of the whole fleet, a roll-out with two failures, a benchmark. */
async function fillStore(into: Store): Promise<void> {
  const profile = { name: 'hsm-webserver', title: 'Webservers with keys in tokens', file: 'profile.yml', sha256: 'ab'.repeat(32) };
  for (let day = 21; day > 0; day -= 1) await into.recordCheck(madeUpOldCheck(day, HOSTS, Date.now() - day * 86_400_000, profile), [], []);
  for (const event of madeUpInventoryRun('20261124-inventory', HOSTS, START)) into.appendEvent(event);

  const names = Array.from({ length: 24 }, (_, n) => madeUpHost(n));
  const stamp = stampRun(ROLL_OUT, START + 3_600_000, 180);
  for (const event of madeUpRollOut(stamp, names)) into.appendEvent(event);
  for (const [n, host] of names.entries()) for (const event of madeUpTasks(stamp, host, n % 11 === 4)) into.appendEvent(event);
  into.appendEvent(stamp('', { type: 'run_finished', counts: {}, exitCode: 2, durationMs: 43_700 }));

  const measured = stampRun('20261124-bench', START + 7_200_000, 40_000);
  into.appendEvent(measured('', { type: 'run_started', playbook: 'playbooks/benchmark.yml', user: 'anna', check: false, hosts: [madeUpHost(0)], version: '0.1.0' }));
  for (const point of madeUpPoints(START + 7_200_000)) into.appendEvent(measured(madeUpHost(0), { type: 'benchmark', point }));
  into.appendEvent(measured(madeUpHost(0), { type: 'host_finished', play: 0, status: 'ok' }));
  into.appendEvent(measured('', { type: 'run_finished', counts: {}, exitCode: 0, durationMs: 480_000 }));
  await into.flush();
}

async function signedIn(options: Parameters<BrowserAtWork['window']>[0] = {}): Promise<BrowserContext> {
  const context = await browser.window(options);
  const answer = await context.request.post(`${origin}/api/v1/session`, { data: { token }, headers: { origin } });
  expect(answer.status(), await answer.text()).toBe(200);
  return context;
}

async function visit(page: Page, path: string, ready: string): Promise<void> {
  await page.goto(`${origin}${path}`);
  await page.waitForSelector(ready);
}

test('an operator signs in, starts a check of the fleet, and sees what it found', async () => {
  const context = await browser.window();
  const page = await context.newPage();
  await page.goto(`${origin}/schedules`);
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run nightly now' }).click();
  await page.getByRole('link', { name: 'see what it found' }).waitFor();
  await vi.waitFor(async () => {
    await page.reload();
    await page.getByText('Run nightly now').waitFor();
    expect(await page.getByText('under way').count()).toBe(0);
  }, { timeout: 60_000, interval: 500 });

  // by the way the fleet was made up, among the hosts that could be read
  const read = Array.from({ length: HOSTS }, (_, n) => n).filter((n) => n % 61 !== 60);
  const expected = { 'module-read-only': read.filter((n) => n % 89 === 17).length, 'pin-tries': read.filter((n) => n % 113 === 5 || n % 271 === 9).length, 'sites-serve': read.filter((n) => n % 131 === 12).length };
  for (const [control, failing] of Object.entries(expected)) {
    await visit(page, `/controls/${control}?outcome=fail`, 'tbody tr');
    expect(await page.locator('tbody tr').count(), control).toBe(Math.min(40, failing));
  }
  await visit(page, '/controls/certificate-days?outcome=waived', 'tbody tr');
  expect(await page.locator('tbody th').first().innerText()).toContain('.muc.');
  expect(await page.getByText('these sites move to Berlin').first().isVisible()).toBe(true);
  await context.close();
}, 120_000);

test('a run is seen as it goes on, whoever runs it', async () => {
  const names = Array.from({ length: 6 }, (_, n) => madeUpHost(n));
  const stamp = stampRun(LIVE, Date.now() - 2_000, 1);
  for (const event of madeUpRollOut(stamp, names)) store.appendEvent(event);
  for (const host of names.slice(0, 3)) for (const event of madeUpTasks(stamp, host, false)) store.appendEvent(event);
  await store.flush();
  const context = await signedIn();
  const page = await context.newPage();
  const complaints = watchPage(page, origin);
  await visit(page, `/runs/${LIVE}`, '.log li');
  await expect.poll(() => page.locator('progress').getAttribute('value'), { timeout: 10_000 }).toBe('3');

  for (const event of madeUpTasks(stamp, madeUpHost(3), true)) store.appendEvent(event);
  await store.flush();
  await expect.poll(() => page.locator('progress').getAttribute('value'), { timeout: 10_000 }).toBe('4');
  expect(await page.getByText('4 of 6 hosts done').isVisible()).toBe(true);
  expect(await page.locator('.log li', { hasText: madeUpHost(3) }).first().innerText()).toContain('rolled back');
  await takePicture(page, 'run-live');

  for (const host of names.slice(4)) for (const event of madeUpTasks(stamp, host, false)) store.appendEvent(event);
  store.appendEvent(stamp('', { type: 'run_finished', counts: {}, exitCode: 2, durationMs: 2_000 }));
  await store.flush();
  await page.locator('.page-head .badge', { hasText: 'failed' }).waitFor();
  await page.getByText('What was changed').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
}, 120_000);

test('the page of a host has all of its inventory, also what came with later versions', async () => {
  const context = await signedIn();
  const page = await context.newPage();
  await visit(page, `/hosts/${madeUpHost(5)}`, 'text=Further inventory');
  await page.locator('summary', { hasText: 'nss_databases' }).click();
  await page.locator('dd', { hasText: '/etc/apache2/nss' }).first().waitFor();
  await page.locator('summary', { hasText: 'playbooks/site.yml' }).first().click();
  await page.locator('.diff .added', { hasText: 'TLSv1.3' }).first().waitFor();
  await context.close();
}, 60_000);

test('a question about the fleet is answered now and as of a day, and a mistake in it is explained', async () => {
  const context = await signedIn();
  const page = await context.newPage();
  await visit(page, '/query', '.view-list details');
  await page.getByLabel('SQL').fill("select host, lable from tokens where pin_state <> 'ok'");
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).toMatch(/lable[\s\S]*label/);
  await page.getByLabel('SQL').fill("select host, label from tokens where pin_state <> 'ok' order by host");
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('.table-answer tbody tr').first().waitFor();
  expect(await page.locator('.table-answer tbody tr').count()).toBeGreaterThan(5);
  await page.getByLabel('As of the end of').fill(new Date(START - 5 * 86_400_000).toISOString().slice(0, 10));
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText('No row.').waitFor();
  await context.close();
}, 120_000);

/** The part of a page that is seen, for the guide. */
async function takePicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `dashboard-${name}.png`), animations: 'disabled' });
}

/**
 * What a page may take until its data are drawn: a second on a machine that has nothing else to do, in proportion more on one
 * that has more to run than processors. The best of some rounds has to keep to it.
 */
function allowedMs(): number {
  return 1_000 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

/** Pages for the guide, with what shows that all of it is there. */
const PAGES: readonly [name: string, path: string, ready: string][] = [
  ['overview', '/', 'main .plot canvas'],
  ['hosts', '/hosts', 'tbody tr'],
  ['host', `/hosts/${madeUpHost(5)}`, 'text=Recent runs'],
  ['controls', '/controls', 'tbody tr'],
  ['certificates', '/certificates', '.days a'],
  ['run', `/runs/${ROLL_OUT}`, '.diff'],
  ['query', '/query?sql=select+host%2C+label%2C+not_after%2C+days_left%0Afrom+certificates%0Awhere+days_left+%3C+30%0Aorder+by+not_after', '.view-list details'],
  ['benchmarks', '/benchmarks', '.plot canvas'],
];
/** What the guide shows in the dark and on a phone as well. */
const IN_ALL_FORMS = ['overview', 'host', 'run', 'query'];

test.each([
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 780 } }],
] as const)('pages with the whole fleet, %s: nothing to scroll sideways, no complaint', async (form, options) => {
  const context = await signedIn(options);
  const page = await context.newPage();
  const complaints = watchPage(page, origin);
  const wrong: string[] = [];
  for (const [name, path, ready] of PAGES) {
    if (form !== 'light' && !IN_ALL_FORMS.includes(name)) continue;
    await visit(page, path, ready);
    if (name === 'query') {
      await page.getByRole('button', { name: 'Run' }).click();
      await page.locator('.table-answer tbody tr').first().waitFor();
    }
    if (await sidewaysScroll(page) > 0) wrong.push(`${path} scrolls sideways`);
    await takePicture(page, `${name}-${form}`);
  }
  expect(wrong).toEqual([]);
  expect(complaints).toEqual([]);
  await context.close();
}, 180_000);

test('pages of 1,000 hosts are there within a second', async () => {
  const context = await signedIn();
  const page = await context.newPage();
  const figures: string[] = [];
  for (const [path, ready] of [['/', 'main .figures'], ['/hosts', 'tbody tr'], [`/hosts/${madeUpHost(5)}`, 'text=Recent runs'], ['/certificates', '.days a']] as const) {
    const times: number[] = [];
    for (let round = 0; round < 8 && (round < 3 || Math.min(...times) >= allowedMs()); round += 1) {
      const start = performance.now();
      await visit(page, path, ready);
      times.push(performance.now() - start);
    }
    figures.push(`${path} ${times.map(Math.round).join(', ')} ms`);
    expect(Math.min(...times), path).toBeLessThan(allowedMs());
  }
  process.stdout.write(`time to data with ${String(HOSTS)} hosts in the store, load ${String(loadavg()[0])}: ${figures.join('; ')}\n`);
  await context.close();
}, 120_000);
