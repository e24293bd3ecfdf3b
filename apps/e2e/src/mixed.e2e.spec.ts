import { afterAll, beforeAll, expect, test } from 'vitest';
import { Desk, Fleet, recap, SITE } from './fleet.ts';
import { fetchPage } from './requests.ts';

/* Debian 11, 12 and 13 side by side, none with a usable Node: the runtime and the add-on have to come along. */
let fleet: Fleet;
let desk: Desk;

beforeAll(() => {
  fleet = new Fleet('mx', 3, 3, '--mixed');
  desk = new Desk(fleet);
}, 900_000);
afterAll(() => {
  fleet.down();
  desk.remove();
});

test('three Debian releases without Node are rolled out alike, from a runtime that is pushed once', async () => {
  for (const host of fleet.hosts) expect((await fleet.exec(host, 'sh', '-c', 'node --version')).code).not.toBe(0);
  const first = await desk.apply(SITE);
  expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 });
  const versions = await Promise.all(fleet.hosts.map((host) => fleet.must(host, 'sh', '-c', '. /etc/os-release; echo $VERSION_ID')));
  expect(versions.map((version) => version.trim())).toEqual(['11', '12', '13']);
  for (const host of fleet.hosts) expect(await fetchPage(fleet.address(host), `${host}.fleet.test`)).toMatchObject({ status: 200 });

  const inode = () => Promise.all(fleet.hosts.map((host) => fleet.must(host, 'sh', '-c', 'ls -i /var/lib/hsmfleet/runtime/*/node')));
  const before = await inode();
  const second = await desk.apply(SITE);
  for (const host of fleet.hosts) expect(recap(second.stdout)[host], second.stdout).toMatchObject({ changed: 0, failed: 0 });
  expect(await inode()).toEqual(before);
});
