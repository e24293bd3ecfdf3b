import type { ApacheLayout } from '@hsmfleet/contract';
import type { ConfigRoot } from './config/read.ts';
import type { EnvironmentStyle } from './environment.ts';

/** Every file that starts with this line was written by hsmfleet. */
export const MANAGED_LINE = '# Managed by hsmfleet: changes by hand are overwritten.';

/** Where one site's files go on a host, by its distribution's habits. */
export interface SitePaths {
  /** The virtual host's configuration. */
  config: string;
  /** Debian: the link that a2ensite makes, and where it points. */
  link?: { path: string; target: string };
  /** Arch: line of the main file that includes the site. */
  include?: { file: string; line: string };
  /** Folder for what is no configuration: PIN, certificate, openssl.cnf. */
  folder: string;
  /** PEM certificate and chain, for mod_ssl. */
  certificate: string;
  /** Bare PIN, for mod_ssl. */
  pin: string;
  /** The file that OPENSSL_CONF names, shared by all sites. */
  openssl: string;
  /** File that Apache's environment comes from, shared by all sites. */
  environment: string;
  environmentStyle: EnvironmentStyle;
}

/** Folder of httpd.conf or apache2.conf. */
function confFolder(apache: ApacheLayout): string {
  if (apache.flavor === 'debian' || apache.configDir.endsWith('/conf')) return apache.configDir;
  return `${apache.configDir}/conf`;
}

/** Main configuration file and ServerRoot. `variables`: what `${NAME}` stands for, see {@link readEnvvars}. */
export function configRoot(apache: ApacheLayout, variables: Readonly<Record<string, string>> = {}): ConfigRoot {
  if (apache.flavor === 'debian') return { mainFile: `${apache.configDir}/apache2.conf`, serverRoot: apache.configDir, variables };
  const folder = confFolder(apache);
  return { mainFile: `${folder}/httpd.conf`, serverRoot: folder.slice(0, -'/conf'.length), variables };
}

/** Folder that holds sites, or drop-in configuration (`conf.d`), by distribution. */
export function dropInFolder(apache: ApacheLayout): string {
  switch (apache.flavor) {
    case 'debian': return `${apache.configDir}/conf-available`;
    case 'redhat': return `${apache.configDir.replace(/\/conf$/, '')}/conf.d`;
    case 'arch': return `${confFolder(apache)}/extra`;
  }
}

/** Where a site called `name` is kept. The name has been checked to be a plain file name. */
export function sitePaths(apache: ApacheLayout, name: string): SitePaths {
  const folder = `${apache.flavor === 'debian' ? apache.configDir : confFolder(apache)}/hsmfleet`;
  const shared = {
    folder,
    certificate: `${folder}/${name}.crt`,
    pin: `${folder}/${name}.pin`,
    openssl: `${folder}/openssl.cnf`,
    environment: apache.flavor === 'debian' ? `${apache.configDir}/envvars` : `/etc/systemd/system/${apache.service}.service.d/hsmfleet.conf`,
    environmentStyle: apache.flavor === 'debian' ? ('envvars' as const) : ('systemd' as const),
  };
  switch (apache.flavor) {
    case 'debian':
      return {
        ...shared,
        config: `${apache.configDir}/sites-available/${name}.conf`,
        link: { path: `${apache.configDir}/sites-enabled/${name}.conf`, target: `../sites-available/${name}.conf` },
      };
    case 'redhat':
      return { ...shared, config: `${dropInFolder(apache)}/${name}.conf` };
    case 'arch': {
      const config = `${dropInFolder(apache)}/${name}.conf`;
      return { ...shared, config, include: { file: configRoot(apache).mainFile, line: `Include conf/extra/${name}.conf` } };
    }
  }
}

/** Variables of Debian's envvars that configuration files use: plain `export NAME=value` lines, `$SUFFIX` empty. */
export function readEnvvars(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^\s*export\s+([A-Za-z_]\w*)=(?:'([^']*)'|"([^"]*)"|(\S*))\s*$/.exec(line);
    if (match?.[1] === undefined) continue;
    found[match[1]] = (match[2] ?? match[3] ?? match[4] ?? '').replaceAll('$SUFFIX', '');
  }
  return found;
}

/** The text with a line added at its end unless it is there. */
export function withLine(text: string, line: string): string {
  if (text.split('\n').some((existing) => existing.trim() === line)) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

/** The text without a line. */
export function withoutLine(text: string, line: string): string {
  return text.split('\n').filter((existing) => existing.trim() !== line).join('\n');
}
