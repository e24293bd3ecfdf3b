import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApacheLayout } from '@hsmfleet/contract';

type Layout = Omit<ApacheLayout, 'installed'>;

const DEBIAN: Layout = {
  flavor: 'debian',
  service: 'apache2',
  binary: '/usr/sbin/apache2',
  user: 'www-data',
  group: 'www-data',
  configDir: '/etc/apache2',
  modulesDir: '/usr/lib/apache2/modules',
  errorLog: '/var/log/apache2/error.log',
  pidFile: '/var/run/apache2/apache2.pid',
};
const REDHAT: Layout = {
  flavor: 'redhat',
  service: 'httpd',
  binary: '/usr/sbin/httpd',
  user: 'apache',
  group: 'apache',
  configDir: '/etc/httpd',
  modulesDir: '/usr/lib64/httpd/modules',
  errorLog: '/var/log/httpd/error_log',
  pidFile: '/run/httpd/httpd.pid',
};
const ARCH: Layout = {
  flavor: 'arch',
  service: 'httpd',
  binary: '/usr/bin/httpd',
  user: 'http',
  group: 'http',
  configDir: '/etc/httpd',
  modulesDir: '/usr/lib/httpd/modules',
  errorLog: '/var/log/httpd/error_log',
  pidFile: '/run/httpd/httpd.pid',
};
const BY_FAMILY: Readonly<Record<string, Layout>> = { Debian: DEBIAN, RedHat: REDHAT, Archlinux: ARCH };

/**
 * Where the distribution's own Apache package keeps its things (field notes 4), whether it is installed or not.
 * A distribution of no known family is taken for Debian's.
 * @param root another root directory, for tests
 */
export function findApacheLayout(osFamily: string, root = '/'): ApacheLayout {
  const layout = BY_FAMILY[osFamily] ?? DEBIAN;
  return { ...layout, installed: existsSync(join(root, layout.binary)) };
}
