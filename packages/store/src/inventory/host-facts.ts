import { column } from '../view.ts';
import type { FactsKind } from './kind.ts';

const fact = (name: string, description: string) => column(name, 'text', description);

/** What hosts tell of themselves; the view `hosts` shows it. */
export const hostFacts: FactsKind = {
  view: 'host_facts',
  description: 'facts of the hosts',
  identity: [],
  indexes: [['host', 'distribution', 'distribution_version', 'architecture']],
  columns: [
    fact('fqdn', 'fully qualified name, as the host knows it'),
    fact('distribution', 'Debian, Ubuntu, Fedora, RedHat, AlmaLinux, Archlinux, …'),
    fact('distribution_version', 'for example 12.5'),
    fact('architecture', 'x86_64, aarch64, …'),
    fact('kernel', 'kernel release'),
    fact('address', 'address of the default route'),
    fact('apache_service', 'apache2 or httpd'),
    column('apache_installed', 'boolean', 'is Apache installed'),
  ],
  rows: (facts) => [{
    fqdn: facts.fqdn, distribution: facts.distribution, distribution_version: facts.distribution_version, architecture: facts.architecture,
    kernel: facts.kernel, address: facts.default_ipv4.address ?? null, apache_service: facts.apache.service, apache_installed: Number(facts.apache.installed),
  }],
};
