import type { CommandResult, ReadHost } from '@hsmfleet/resource';
import { describe, expect, test } from 'vitest';
import { inspectService } from './inspect-service.ts';

/**
 * A host that consists of named files and of recorded answers. A stand-in, since systemd does not run where the tests do;
 * the init script path is tried on the real host in the integration spec.
 */
function hostWith(files: Record<string, string>, answers: Record<string, Partial<CommandResult>>, manager: string): { host: ReadHost; asked: string[] } {
  const asked: string[] = [];
  const host = {
    facts: { service_mgr: manager, apache: { service: 'apache2', pidFile: '/run/apache2.pid', installed: true } },
    readText: (path: string) => Promise.resolve(files[path]),
    stat: (path: string) => Promise.resolve(path in files ? {} : undefined),
    lstat: (path: string) => Promise.resolve(path in files ? {} : undefined),
    list: (path: string) => Promise.resolve(Object.keys(files).filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1))),
    serverProcess: (path: string) => Promise.resolve(path in files ? { pid: 1, startedAtMs: 0 } : undefined),
    query: (argv: string[]) => {
      const line = argv.join(' ');
      asked.push(line);
      return Promise.resolve({ argv, code: 0, stdout: '', stderr: '', timedOut: false, ...answers[line] });
    },
  };
  return { host: host as unknown as ReadHost, asked };
}

const SHOW = 'systemctl show --property=LoadState,ActiveState,UnitFileState pcscd.service';

describe('systemd', () => {
  test('a running and enabled service is told from files alone', async () => {
    const { host, asked } = hostWith({
      '/sys/fs/cgroup/system.slice/pcscd.service/cgroup.procs': '12\n',
      '/etc/systemd/system/multi-user.target.wants/pcscd.service': '',
    }, {}, 'systemd');
    expect(await inspectService(host, 'pcscd', true)).toEqual({ known: true, running: true, enabled: true });
    expect(asked).toEqual([]);
  });

  test.each<[string, string, { known: boolean; running: boolean; enabled: boolean }]>([
    ['dead', 'LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n', { known: true, running: false, enabled: true }],
    ['one that ended its work', 'LoadState=loaded\nActiveState=active\nUnitFileState=static\n', { known: true, running: true, enabled: false }],
    ['unknown', 'LoadState=not-found\nActiveState=inactive\nUnitFileState=\n', { known: false, running: false, enabled: false }],
    ['failed', 'LoadState=loaded\nActiveState=failed\nUnitFileState=disabled\n', { known: true, running: false, enabled: false }],
  ])('%s', async (_title, stdout, expected) => {
    const { host, asked } = hostWith({}, { [SHOW]: { stdout } }, 'systemd');
    expect(await inspectService(host, 'pcscd', true)).toEqual(expected);
    expect(asked).toEqual([SHOW]);
  });

  test('an init script that systemd runs is enabled by its links', async () => {
    const { host } = hostWith({ '/etc/rc2.d/S01pcscd': '' }, { [SHOW]: { stdout: 'LoadState=loaded\nActiveState=active\nUnitFileState=\n' } }, 'systemd');
    expect((await inspectService(host, 'pcscd', true)).enabled).toBe(true);
  });
});

describe('init scripts', () => {
  test('the web server is told from its PID file, without asking the script', async () => {
    const { host, asked } = hostWith({ '/etc/init.d/apache2': '', '/run/apache2.pid': '1', '/etc/rc3.d/S02apache2': '', '/etc/rc3.d/S02apache2-other': '' }, {}, 'sysvinit');
    expect(await inspectService(host, 'apache2', true)).toEqual({ known: true, running: true, enabled: true });
    expect(asked).toEqual([]);
  });

  test('others are asked; a name is no pattern', async () => {
    const { host, asked } = hostWith({ '/etc/init.d/a.b': '', '/etc/rc2.d/S01axb': '' }, { '/etc/init.d/a.b status': { code: 3 } }, 'sysvinit');
    expect(await inspectService(host, 'a.b', true)).toEqual({ known: true, running: false, enabled: false });
    expect(asked).toEqual(['/etc/init.d/a.b status']);
    expect(await inspectService(host, 'none', false)).toEqual({ known: false, running: false, enabled: false });
  });
});
