import { describe, expect, test } from 'vitest';
import { linksToDisable, linksToEnable, loadedIdentifiers, switchLoadModule, type DebianModules } from './apache-modules.ts';

const modules: DebianModules = {
  available: {
    ssl: '# Depends: setenvif mime socache_shmcb\nLoadModule ssl_module /m.so\n',
    setenvif: 'LoadModule setenvif_module /m.so\n', mime: 'LoadModule mime_module /m.so\n', socache_shmcb: 'LoadModule x /m.so\n',
    mpm_event: '# Conflicts: mpm_worker mpm_prefork\nLoadModule x /m.so\n', mpm_prefork: '# Conflicts: mpm_event mpm_worker\nLoadModule x /m.so\n',
    broken: '# Depends: nothere\n', loop_a: '# Depends: loop_b\n', loop_b: '# Depends: loop_a\n',
  },
  withConf: ['ssl', 'mime', 'setenvif'],
  enabled: ['mime.load', 'mime.conf', 'mpm_prefork.load'],
};

describe('Debian', () => {
  test('what a module depends on comes first, and what is enabled stays', () => {
    expect(linksToEnable(modules, 'ssl')).toEqual({ add: ['setenvif.load', 'setenvif.conf', 'socache_shmcb.load', 'ssl.load', 'ssl.conf'], remove: [] });
    expect(linksToEnable({ ...modules, enabled: ['setenvif.load', 'setenvif.conf', 'mime.load', 'mime.conf', 'socache_shmcb.load', 'ssl.load', 'ssl.conf'] }, 'ssl').add).toEqual([]);
    expect(linksToEnable(modules, 'loop_a').add).toEqual(['loop_b.load', 'loop_a.load']);
  });

  test('a module, or what it depends on, that is not installed', () => {
    expect(() => linksToEnable(modules, 'nss')).toThrow('apache module nss is not installed');
    expect(() => linksToEnable(modules, 'broken')).toThrow('broken depends on it');
  });

  test('conflicts', () => {
    expect(() => linksToEnable(modules, 'mpm_event')).toThrow('conflicts with mpm_prefork');
  });

  test('disabling', () => {
    expect(linksToDisable(modules, 'mime')).toEqual({ add: [], remove: ['mime.load', 'mime.conf'] });
    expect(linksToDisable(modules, 'ssl').remove).toEqual([]);
    expect(() => linksToDisable({ ...modules, enabled: [...modules.enabled, 'ssl.load'] }, 'mime')).toThrow('needed by ssl');
  });
});

test('LoadModule lines', () => {
  const text = '# comment\nLoadModule mpm_event_module modules/mod_mpm_event.so\n#LoadModule mpm_worker_module modules/mod_mpm_worker.so\n # LoadModule x_module y\n';
  expect(loadedIdentifiers(text)).toEqual({ on: ['mpm_event_module'], off: ['mpm_worker_module', 'x_module'] });
  expect(switchLoadModule(text, { mpm_event_module: false, mpm_worker_module: true })).toBe(
    '# comment\n#LoadModule mpm_event_module modules/mod_mpm_event.so\nLoadModule mpm_worker_module modules/mod_mpm_worker.so\n # LoadModule x_module y\n',
  );
  expect(switchLoadModule(text, { mpm_event_module: true })).toBe(text);
});
