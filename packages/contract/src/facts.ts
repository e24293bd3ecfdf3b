import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false };

/** Where Apache keeps its things on this host. From the distribution's layout, not from a running server. */
export const ApacheLayout = Type.Object(
  {
    flavor: Type.Union([Type.Literal('debian'), Type.Literal('redhat'), Type.Literal('arch')]),
    installed: Type.Boolean(),
    service: Type.String({ description: 'apache2 or httpd' }),
    binary: Type.String(),
    user: Type.String(),
    group: Type.String(),
    configDir: Type.String({ description: 'for example /etc/apache2' }),
    modulesDir: Type.String(),
    errorLog: Type.String(),
    pidFile: Type.String(),
  },
  strict,
);
export type ApacheLayout = Static<typeof ApacheLayout>;

/** Facts of the host, gathered at the start of every run by reading files: no programs are run. */
export const HostFacts = Type.Object(
  {
    hostname: Type.String(),
    fqdn: Type.String(),
    distribution: Type.String({ description: 'as Ansible spells it: Debian, Ubuntu, Fedora, RedHat, AlmaLinux, Archlinux' }),
    distribution_version: Type.String({ description: 'for example 12.5; Debian from /etc/debian_version' }),
    distribution_major_version: Type.String(),
    distribution_release: Type.String({ description: 'codename, may be empty' }),
    os_family: Type.String({ description: 'Debian, RedHat, Archlinux' }),
    architecture: Type.String({ description: 'x86_64, aarch64, …' }),
    kernel: Type.String(),
    pkg_mgr: Type.String({ description: 'apt, dnf, pacman, unknown' }),
    service_mgr: Type.String({ description: 'systemd, or sysvinit' }),
    all_ipv4_addresses: Type.Array(Type.String()),
    default_ipv4: Type.Object({ address: Type.Optional(Type.String()), interface: Type.Optional(Type.String()) }, strict),
    processor_vcpus: Type.Integer(),
    memtotal_mb: Type.Integer(),
    user_id: Type.String({ description: 'the user the agent runs as' }),
    apache: ApacheLayout,
  },
  strict,
);
export type HostFacts = Static<typeof HostFacts>;
