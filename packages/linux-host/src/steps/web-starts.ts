import type { ApacheLayout } from '@hsmfleet/contract';

/** Their packages' scripts restart services. */
const PACKAGE_MANAGERS: ReadonlySet<string> = new Set(['apt', 'apt-get', 'aptitude', 'dpkg', 'dnf', 'yum', 'rpm', 'pacman']);
const SERVICE_PROGRAMS: ReadonlySet<string> = new Set(['systemctl', 'service', 'invoke-rc.d', 'deb-systemd-invoke', 'rc-service']);
const CONTROL_PROGRAMS: ReadonlySet<string> = new Set(['apache2ctl', 'apachectl', 'apache2', 'httpd']);
/** Words with which a program of the lists above starts nothing. */
const HARMLESS: ReadonlySet<string> = new Set([
  'stop', 'status', 'is-active', 'is-enabled', 'is-failed', 'show', 'cat', 'enable', 'disable', 'mask', 'daemon-reload', 'configtest', 'graceful-stop',
  '-t', '-v', '-V', '-M', '-S', '-l', '-L', '-h',
]);

/**
 * May this program start or restart the web server? Then it must not run while a PIN file holds a PIN that is not proven: one
 * start can lock a card (field notes 1.6). Programs that start others unseen cannot be told; this names the ones people use.
 */
export function mayStartWebServer(argv: readonly string[], apache: Pick<ApacheLayout, 'service'>): boolean {
  const [program = '', ...words] = argv;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (PACKAGE_MANAGERS.has(name)) return true;
  if (words.some((word) => HARMLESS.has(word))) return false;
  if (CONTROL_PROGRAMS.has(name)) return true;
  const unit = (word: string): boolean => word.replace(/\.service$/, '') === apache.service;
  return SERVICE_PROGRAMS.has(name) && words.some(unit);
}
