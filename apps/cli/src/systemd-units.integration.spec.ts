import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WORKSPACE } from './agent-bundle.ts';

const UNITS = join(WORKSPACE, 'packaging/systemd');
/** Highest exposure that is taken, in tenths; what is left is the network, and Node's compiler. */
const EXPOSURE = 15;

const version = Number(/^systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0);
const reason = version >= 252 ? '' : ` (skipped: ${version === 0 ? 'systemd-analyze is not installed' : `systemd ${String(version)} cannot judge units by their files`})`;

describe.skipIf(reason !== '')(`the units for systemd${reason}`, () => {
  let folder: string;
  // units are judged as they would be installed: the program has to be there, templates need an instance
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsmfleet-units-'));
    for (const name of readdirSync(UNITS)) {
      const text = readFileSync(join(UNITS, name), 'utf8').replaceAll('/usr/local/bin/hsmfleet', '/bin/true');
      for (const file of [name, name.replace('@.', '@web.')]) writeFileSync(join(folder, file), text);
    }
  });
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

  const analyze = (...words: string[]): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { cwd: folder, encoding: 'utf8', env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning', SYSTEMD_UNIT_PATH: `${folder}:` } });
    return { status, said: `${stdout}${stderr}` };
  };

  it.each(['hsmfleet.service', 'hsmfleet-check@web.service', 'hsmfleet-check@web.timer'])('%s has nothing that systemd does not know', (unit) => {
    const { status, said } = analyze('verify', '--man=no', join(folder, unit));
    // other units of this machine may have their own faults
    expect(said.split('\n').filter((line) => line.includes('hsmfleet'))).toEqual([]);
    expect(status).toBe(0);
  });

  it.each(['hsmfleet.service', 'hsmfleet-check@web.service'])('%s leaves little to whoever takes it over', (unit) => {
    const { status, said } = analyze('security', '--offline=yes', '--no-pager', `--threshold=${String(EXPOSURE)}`, join(folder, unit));
    expect(said).toContain('Overall exposure level');
    expect({ status, said: status === 0 ? '' : said }).toEqual({ status: 0, said: '' });
  });

  it('a unit that is less careful is found out', () => {
    writeFileSync(join(folder, 'careless.service'), '[Service]\nExecStart=/bin/true\nNoNewPriviliges=yes\n');
    expect(analyze('security', '--offline=yes', '--no-pager', `--threshold=${String(EXPOSURE)}`, join(folder, 'careless.service')).status).not.toBe(0);
    expect(analyze('verify', '--man=no', join(folder, 'careless.service')).said).toContain('NoNewPriviliges');
  });
});
