import { expect, test } from 'vitest';
import { mayStartWebServer } from './web-starts.ts';

test.each<[string, boolean]>([
  ['apt-get -y install php', true],
  ['/usr/bin/dpkg -i x.deb', true],
  ['systemctl restart apache2', true],
  ['systemctl --no-block start apache2.service', true],
  ['service apache2 reload', true],
  ['/etc/init.d/apache2 start', true],
  ['apache2ctl graceful', true],
  ['systemctl restart pcscd', false],
  ['systemctl is-active apache2', false],
  ['systemctl stop apache2', false],
  ['apache2ctl -M', false],
  ['apache2ctl configtest', false],
  ['cat /etc/apache2/apache2.conf', false],
  ['true', false],
])('%s: %s', (line, expected) => {
  expect(mayStartWebServer(line.split(' '), { service: 'apache2' })).toBe(expected);
});
