import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

/** The web server of each host. */
export const webServers: InventoryKind = {
  view: 'web_servers',
  description: 'Apache on the hosts: its program, its processes and its TLS modules, one row per host',
  identity: ['service'],
  columns: [
    column('service', 'text', 'apache2 or httpd'),
    column('installed', 'boolean', 'is the program there'),
    column('running', 'boolean', 'does it run'),
    column('version', 'text', 'version of the program that is installed'),
    column('started_at', 'time', 'when the running server began, to the minute; null when none runs'),
    column('config_newer', 'boolean', 'did a file of the configuration change after the processes that serve began; null when none run'),
    column('mpm', 'text', 'process model: event, worker or prefork; null when none is loaded'),
    column('process_limit', 'integer', 'most serving processes that the configuration allows'),
    column('configured_user', 'text', 'user that the configuration names'),
    column('configured_group', 'text', 'group that the configuration names'),
    column('run_user', 'text', 'user of the serving processes, several joined by commas; null when none run'),
    column('run_group', 'text', 'group of the serving processes'),
    column('mod_ssl_loaded', 'boolean', 'does the configuration load mod_ssl'),
    column('mod_ssl_sites', 'integer', 'sites with its engine on'),
    column('mod_nss_loaded', 'boolean', 'does the configuration load mod_nss'),
    column('mod_nss_sites', 'integer', 'sites with its engine on'),
    column('mod_nss_version', 'text', 'as its binary says; null when it does not'),
    column('mod_nss_tls13', 'boolean', 'does it know TLS 1.3; null when it was not read'),
  ],
  indexes: [['run_user', 'host'], ['running', 'host'], ['mod_nss_sites', 'mod_ssl_loaded', 'host']],
  rows: ({ webServer: server }) => (server === undefined || server === null ? [] : [{
    service: server.service, installed: Number(server.installed), running: Number(server.running), version: server.version,
    // the kernel's clock of starts wanders by a second: to the minute, a server that was not touched stays the same row
    started_at: server.startedAt === null ? null : `${server.startedAt.slice(0, 16)}:00.000Z`,
    config_newer: flag(server.configNewerThanServer), mpm: server.mpm, process_limit: server.processLimit,
    configured_user: server.configuredUser, configured_group: server.configuredGroup, run_user: server.runUser, run_group: server.runGroup,
    mod_ssl_loaded: Number(server.modSsl.loaded), mod_ssl_sites: server.modSsl.sites, mod_nss_loaded: Number(server.modNss.loaded),
    mod_nss_sites: server.modNss.sites, mod_nss_version: server.modNss.version, mod_nss_tls13: flag(server.modNss.tls13),
  }]),
};
