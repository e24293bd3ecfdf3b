import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, Fleet, recap, SITE } from './fleet.ts';
import { fetchPage, Visitor } from './requests.ts';

/* The mod_nss engine on hosts, whenever a build of it is at hand: Debian no longer packages it. */
const folder = process.env.HSMFLEET_TEST_MOD_NSS_DIR ?? '';
const available = existsSync(join(folder, 'libmodnss.so')) && existsSync(join(folder, 'nss_pcache'));
if (!available) {
  process.stderr.write('skipped: mod_nss end to end. HSMFLEET_TEST_MOD_NSS_DIR does not name a folder with libmodnss.so and nss_pcache\n');
}

describe.skipIf(!available)('mod_nss', () => {
  let fleet: Fleet;
  let desk: Desk;
  beforeAll(() => {
    fleet = new Fleet('mn', 4, 2);
    desk = new Desk(fleet, {
      tls_engine: 'mod_nss',
      tls_module_path: '/opt/mod_nss/libmodnss.so',
      nss_helper_path: '/opt/mod_nss/nss_pcache',
    });
  });
  afterAll(() => {
    fleet.down();
    desk.remove();
  });

  test('serves from the token, converges, and keeps serving through an inventory', async () => {
    const first = await desk.apply(SITE);
    expect(first, first.stdout + first.stderr).toMatchObject({ code: 0 });
    for (const host of fleet.hosts) expect(await fetchPage(fleet.address(host), `${host}.fleet.test`)).toMatchObject({ status: 200 });
    const second = await desk.apply(SITE);
    for (const host of fleet.hosts) expect(recap(second.stdout)[host], second.stdout).toMatchObject({ changed: 0, failed: 0 });
    const visitor = new Visitor(fleet.address('web01'), 'web01.fleet.test');
    const inventory = await desk.hsmfleet('inventory', '-i', 'hosts.yml');
    expect(inventory, inventory.stderr).toMatchObject({ code: 0 });
    expect((await desk.apply(SITE, '--check')).code).toBe(0);
    await visitor.stop();
    expect(visitor.problems).toEqual([]);
    expect(visitor.served).toBeGreaterThan(5);
  });

  test('a wrong PIN never reaches a start of the server', async () => {
    desk.pin('111111');
    const ended = await desk.apply(SITE, '-l', 'web01');
    expect(ended.code).toBe(2);
    expect((await fetchPage(fleet.address('web01'), 'web01.fleet.test')).status).toBe(200);
    expect((await fleet.must('web01', 'cat', '/etc/hsmfleet/web.pin'))).toBe('fleet-web01:648219\n');
    desk.pin('648219');
    expect(recap((await desk.apply(SITE, '-l', 'web01')).stdout).web01).toMatchObject({ changed: 0, failed: 0 });
  });
});
