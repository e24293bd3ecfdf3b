import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, events, Fleet, PIN, recap, run, SITE, WRITABLE_MODULE } from './fleet.ts';
import { fetchPage, servedKey, Visitor } from './requests.ts';
import { SO_PIN, Station } from './station.ts';

/* From an empty token to a site, with no program but ours; then what goes wrong on the way. */
let fleet: Fleet;
let desk: Desk;
let station: Station;
const site = 'web01.fleet.test';
const pin = ['--pin-file', 'secrets/pin'];
const custody = ['--manifest', 'manifests', '--manifest-key', 'station.key.pub'];

beforeAll(() => {
  fleet = new Fleet('st', 6, 2);
  desk = new Desk(fleet);
  station = new Station(desk);
});
afterAll(() => {
  fleet.down();
  desk.remove();
});

interface Shown {
  keys: { id: string; type: string; bits: number; fingerprint: string; sensitive: boolean; extractable: boolean }[];
  certificates: { id: string; sha256: string; subject: string; issuer: string }[];
}
const shown = async (file: string): Promise<Shown> => JSON.parse((await desk.hsmfleet('token', 'manifest', 'show', file, '--json')).stdout) as Shown;
const fingerprintOf = (manifest: Shown, id: string): string | undefined => manifest.keys.find((key) => key.id === id)?.fingerprint;

describe('from an empty token to HTTPS', () => {
  test('token, three keys, three certificates, and a manifest that the token signs as well', async () => {
    const pinsSeen = station.watchForPins();
    await station.must('init', '--label', 'fleet-web01', '--so-pin-file', 'secrets/so-pin', '--new-pin-file', 'secrets/pin', '--yes');
    for (const [id, type, label] of [['01', 'rsa:1024', 'rsa1024'], ['02', 'rsa:2048', 'rsa2048'], ['03', 'EC:prime256v1', 'ec256']] as const) {
      await station.must('keygen', '--type', type, '--id', id, '--label', label, ...pin);
      await station.must('cert', '--self-signed', '--id', id, '--subject', `/CN=${site}`, '--san', `DNS:${site}`, '--out', `${label}.pem`, ...pin);
      await station.must('load-cert', `${label}.pem`, '--id', id, ...pin);
    }
    const key = await desk.hsmfleet('token', 'manifest', 'key', 'station.key');
    expect(key, key.stderr).toMatchObject({ code: 0 });
    await station.must('manifest', 'create', 'manifests/web01.json', '--key', 'station.key', ...pin);
    const manifest = await shown('manifests/web01.json');
    expect(manifest.keys.map(({ id, type, bits, sensitive, extractable }) => [id, type, bits, sensitive, extractable])).toEqual([
      ['01', 'rsa', 1024, true, false], ['02', 'rsa', 2048, true, false], ['03', 'ec', 256, true, false],
    ]);
    expect(manifest.certificates.map(({ id }) => id)).toEqual(['01', '02', '03']);
    expect(await station.must('manifest', 'verify', 'manifests/web01.json', '--key', 'station.key.pub')).toContain('every key of the token signed it as well');
    expect(pinsSeen()).toEqual([]);
  });

  test('another token than the prepared one is refused before anything changes, and gets no PIN', async () => {
    // web01 still has the device it came with
    const before = await fleet.must('web01', 'sh', '-c', 'find /etc /var/www /usr/local -newer /proc/1 -type f | sort; ls /etc/hsmfleet 2>&1 || true');
    const ended = await desk.apply(SITE, '-l', 'web01', ...custody, '--json');
    expect(ended.code).toBe(2);
    const [refused, ...others] = events(ended.stdout).filter((event) => event.type === 'task_finished');
    expect(others).toEqual([]);
    expect(refused).toMatchObject({ outcome: 'refused', error: { code: 'CUSTODY', message: expect.stringMatching(/token "fleet-web01" .* is none of those that were prepared: it has serial .*; prepared were .*web01\.json/) as string } });
    expect(await fleet.must('web01', 'sh', '-c', 'find /etc /var/www /usr/local -newer /proc/1 -type f | sort; ls /etc/hsmfleet 2>&1 || true')).toBe(before);
    expect((await fleet.exec('web01', 'ls', '/var/lib/hsmfleet/pins.json')).code).not.toBe(0);
  });

  test('the device is carried to its host, and serves the page with the key of the manifest', async () => {
    await station.carryTo(fleet, 'web01');
    const ended = await desk.apply(SITE, '-l', 'web01', ...custody);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(recap(ended.stdout).web01).toMatchObject({ failed: 0, refused: 0 });
    expect(await fetchPage(fleet.address('web01'), site)).toMatchObject({ status: 200 });
    expect(await servedKey(fleet.address('web01'), site)).toBe(fingerprintOf(await shown('manifests/web01.json'), '03'));
    const known = await desk.hsmfleet('query', "select verdict, differences from custody where latest and host = 'web01'", '--format', 'json');
    expect(JSON.parse(known.stdout)).toEqual([{ verdict: 'proven', differences: '' }]);
  });

  test('a certificate of the lab\'s authority takes over with no failed request beyond one restart', async () => {
    const before = await shown('manifests/web01.json');
    const authority = await desk.hsmfleet('token', 'ca', 'init', 'ca', '--subject', '/CN=Lab CA');
    expect(authority, authority.stderr).toMatchObject({ code: 0 });
    await station.must('csr', '--id', '03', '--subject', `/CN=${site}`, '--san', `DNS:${site}`, '--out', 'web01.csr', ...pin);
    const signed = await desk.hsmfleet('token', 'ca', 'sign', 'web01.csr', '--ca', 'ca', '--out', 'web01-lab.pem');
    expect(signed, signed.stderr).toMatchObject({ code: 0 });
    const request = await run(['openssl', 'req', '-verify', '-noout', '-in', join(desk.folder, 'web01.csr')]);
    expect(request.stdout + request.stderr).toContain('verify OK');
    const chain = await run(['openssl', 'verify', '-CAfile', join(desk.folder, 'ca/ca.pem'), join(desk.folder, 'web01-lab.pem')]);
    expect(chain, chain.stderr).toMatchObject({ code: 0 });
    await station.must('load-cert', 'web01-lab.pem', '--id', '03', '--replace', ...pin);
    await station.carryTo(fleet, 'web01');

    // the old manifest tells that something changed; with the new one the site is switched
    const stale = await desk.apply(SITE, '-l', 'web01', ...custody, '--json');
    expect(stale.code).toBe(2);
    expect(stale.stdout).toMatch(/certificate of key 03: [0-9a-f]{16}… \(CN=web01\.fleet\.test, until [^)]*\) instead of [0-9a-f]{16}…/);
    await station.must('manifest', 'create', 'manifests/web01.json', '--force', '--key', 'station.key', ...pin);

    const visitor = new Visitor(fleet.address('web01'), site);
    const ended = await desk.apply(SITE, '-l', 'web01', ...custody, '--json');
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    await sleep(500);
    await visitor.stop();
    expect(visitor.gaps).toBeLessThanOrEqual(1);
    expect(visitor.served).toBeGreaterThan(10);
    const changed = events(ended.stdout).filter((event) => event.type === 'task_finished' && event.outcome === 'changed');
    expect(changed.map((event) => event.resource)).toEqual(['tls_site']);

    expect(await servedKey(fleet.address('web01'), site)).toBe(fingerprintOf(before, '03'));
    // without its standard input it would wait for somebody to type
    const trusted = await run(['sh', '-c', 'exec openssl s_client "$@" </dev/null', 'sh', '-connect', `${fleet.address('web01')}:443`, '-servername', site, '-verify_return_error', '-CAfile', join(desk.folder, 'ca/ca.pem')]);
    expect(trusted.stdout).toContain('Verify return code: 0 (ok)');
  });

  test('a token that two hosts show is refused on one of them, and the other one is told', async () => {
    await station.carryTo(fleet, 'web02');
    const serve = 'mkdir -p /run/copy; setsid p11-kit server -f -n /run/copy/pkcs11 --provider "$0" "pkcs11:token=fleet-web01?write-protected=yes" </dev/null >/dev/null 2>&1 & while [ ! -S /run/copy/pkcs11 ]; do sleep 0.05; done; chmod 666 /run/copy/pkcs11';
    await fleet.must('web02', 'sh', '-c', serve, WRITABLE_MODULE);
    const copy = desk.write('copy.yml', [
      '- hosts: webservers', '  become: true', '  gather_facts: false', '  tasks:', '    - pkcs11_module:', '        path: "{{ hsm_module }}"', '        token: fleet-web01',
      "        env: \"{{ {'P11_KIT_SERVER_ADDRESS': 'unix:path=/run/' ~ ('copy' if inventory_hostname == 'web02' else 'p11-kit-ro') ~ '/pkcs11'} }}\"", '',
    ].join('\n'));
    const ended = await desk.apply(copy, ...custody, '--json');
    expect(ended.code).toBe(2);
    const happened = events(ended.stdout);
    const refused = happened.filter((event) => event.type === 'task_finished' && event.outcome === 'refused');
    expect(refused).toMatchObject([{ error: { code: 'CUSTODY', message: expect.stringMatching(/is the one of .*web01\.json, but web0[12] has it as well, in this run/) as string } }]);
    expect(happened.filter((event) => event.type === 'warning' && event.host !== refused[0]?.host)).toMatchObject([{ message: expect.stringContaining('one of the two is a copy') as string }]);
  });
});

describe('what goes wrong at the station leaves the token as it was', () => {
  test.each([
    ['an ID in use', ['keygen', '--type', 'EC:prime256v1', '--id', '03', '--label', 'new', ...pin], /03/],
    ['a label in use', ['keygen', '--type', 'EC:prime256v1', '--id', '09', '--label', 'ec256', ...pin], /ec256/],
    ['the certificate of another key', ['load-cert', 'rsa2048.pem', '--id', '03', '--replace', ...pin], /03.*fingerprint/],
    ['bytes that are no certificate', ['load-cert', 'broken.der', '--id', '03', '--replace', ...pin], /broken\.der is malformed: it is neither PEM nor DER/],
    ['a certificate cut short', ['load-cert', 'short.der', '--id', '03', '--replace', ...pin], /short\.der is malformed/],
  ])('%s', async (_title, words, message) => {
    desk.write('broken.der', 'not a certificate');
    const der = execFileSync('openssl', ['x509', '-in', join(desk.folder, 'ec256.pem'), '-outform', 'DER']);
    writeFileSync(join(desk.folder, 'short.der'), der.subarray(0, der.length - 40));
    const before = station.contents();
    const ended = await station.token(...words);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.match(/^error/gm)).toHaveLength(1);
    expect(station.contents()).toEqual(before);
  });

  test('a wrong PIN costs one try, is not tried again, and the next one is refused before the last', async () => {
    const wrong = ['keygen', '--type', 'EC:prime256v1', '--id', '0a', '--label', 'never', '--pin-file', 'secrets/wrong-pin'];
    const before = station.contents();
    const first = await station.spied('spy-1.log', ...wrong);
    expect(first.ended.code).not.toBe(0);
    expect(first.ended.stderr).toMatch(/PIN/);
    expect(first.calls('C_Login')).toBe(1);
    expect(first.calls('C_GenerateKeyPair')).toBe(0);
    const second = await station.spied('spy-2.log', ...wrong);
    expect(second.ended.code).not.toBe(0);
    expect(second.calls('C_Login')).toBe(0);
    expect(station.contents()).toEqual(before);
    // the right one sets the count back
    await station.must('manifest', 'create', 'manifests/again.json', '--key', 'station.key', '--allow-low-pin-count', ...pin);
  });

  test('a token pulled out in the middle of a key is one clear error, and nothing is left of the key', async () => {
    const before = station.contents();
    let said = '';
    // some keys are found too soon to be caught in the making
    for (let attempt = 0, code: number | null = 0; code === 0 && attempt < 4; attempt += 1) {
      if (attempt > 0) await station.must('delete', '--id', '0b', '--yes', ...pin);
      said = '';
      const reader = station.pullable('fleet-web01');
      for (let count = 0; count < 200 && !reader.ready(); count += 1) await sleep(50);
      const making = desk.start('token', 'keygen', '--type', 'rsa:4096', '--id', '0b', '--label', 'pulled', ...pin, ...reader.words);
      making.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      const ended = new Promise<number | null>((resolve) => making.on('exit', resolve));
      const isOver = (): boolean => making.exitCode !== null;
      while (!isOver() && reader.worked() < 120) await sleep(10);
      reader.pull();
      code = await ended;
    }
    expect(said).toMatch(/^error: .*C_GenerateKeyPair.*CKR_/m);
    expect(said.match(/^error/gm)).toHaveLength(1);
    expect(station.contents()).toEqual(before);
  });
});

test('no PIN is in what was printed, stored or written, but in the files that hold it', async () => {
  expect(existsSync(join(desk.folder, 'manifests/web01.json'))).toBe(true);
  for (const secret of [PIN, SO_PIN]) {
    const found = (await run(['grep', '-rlaF', secret, desk.folder])).stdout.trim().split('\n').map((file) => file.slice(desk.folder.length + 1));
    expect(found.filter((file) => !/^secrets\/|^spy-/.test(file)).filter(Boolean)).toEqual([]);
  }
  expect(readFileSync(join(desk.folder, 'manifests/web01.json'), 'utf8')).not.toContain(PIN);
});
