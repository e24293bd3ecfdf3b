import type { HostEvidence } from '@hsmfleet/contract';
import { tellingLines, translateErrorLog } from '@hsmfleet/httpd';
import type { ReadHost } from '@hsmfleet/resource';
import { readApache, type ApacheFindings } from '../inventory/apache.ts';
import { collectInventory } from '../inventory/collect.ts';
import { readNssDatabases } from '../inventory/nss-databases.ts';
import { proveSites } from '../inventory/sites.ts';
import { readCertificates } from './certificates.ts';
import { findListeners } from './listeners.ts';
import { lookAtModules } from './module-files.ts';
import type { DoctorParams } from './schema.ts';
import { listReaders } from './usb.ts';

const CONFIGTEST_MS = 30_000;
/** Lines of the error log that are looked at. */
const LOG_LINES = 60;

/** Everything that a fault may be seen in. Changes nothing, stops nothing, logs in to nothing. */
export async function collectEvidence(host: ReadHost, params: DoctorParams): Promise<HostEvidence> {
  const apache = await readApache(host);
  const nss = await readNssDatabases(host, apache.sites.flatMap(({ database }) => database ?? []), true);
  const registered = nss.rows.flatMap(({ modules }) => modules.filter(({ enabled, library, source }) => enabled && source !== 'policy' && library !== '').map(({ library }) => library));
  const wanted = apache.sites.length === 0 ? (params.modules ?? []) : [];
  const env = { ...wanted[0]?.env, ...apache.moduleEnv };
  const named = [...apache.modules, ...registered, ...wanted.map(({ path }) => path)];
  const spared = await wouldDisturb(host, params, apache, await lookAtModules(host, named, env, null));
  const { report } = await collectInventory(host, {
    ...(wanted.length === 0 ? {} : { modules: wanted }),
    ...(params.timeout === undefined ? {} : { timeout: params.timeout }),
    read_tokens: spared ? 'never' : (params.read_tokens ?? 'auto'),
  });
  const { webServer } = report;
  const serverUser = webServer === undefined || webServer === null || !webServer.installed ? null : (webServer.runUser?.split(',')[0] ?? webServer.configuredUser ?? host.facts.apache.user);
  const [modules, configtest, listeners, certificates, usb] = await Promise.all([
    lookAtModules(host, [...named, ...report.modules.map(({ path }) => path)], env, serverUser),
    testConfiguration(host),
    findListeners(host, apache.sites.map(({ port }) => port), apache).catch(() => null),
    readCertificates(host, apache.sites),
    listReaders(host),
  ]);
  const log = report.sites.some(({ serving }) => serving !== true) ? await readLog(host) : [];
  return { report, modules, opensslModules: apache.modules, usb, certificates, configtest, listeners, log, serverUser, spared };
}

/** Reading is careful, but a card that a site serves from is left alone all the same: there is nothing to find out there that a handshake does not show. */
async function wouldDisturb(host: ReadHost, params: DoctorParams, apache: ApacheFindings, modules: Awaited<ReturnType<typeof lookAtModules>>): Promise<boolean> {
  if ((params.read_tokens ?? 'auto') !== 'auto') return false;
  const cards = modules.some(({ speaksTo }) => speaksTo === 'pcscd');
  const delicate = apache.sites.filter(({ engine, key }) => engine === 'mod_nss' || (cards && key.startsWith('pkcs11:')));
  return delicate.length > 0 && (await proveSites(host, delicate)).some(({ handshake }) => handshake?.ok === true);
}

/** Parses the configuration and nothing more: no token is touched. */
async function testConfiguration(host: ReadHost): Promise<HostEvidence['configtest']> {
  const { apache } = host.facts;
  if (!apache.installed) return null;
  const debian = apache.flavor === 'debian';
  const argv = debian ? ['apache2ctl', 'configtest'] : [apache.binary, '-t'];
  const env = debian && apache.configDir !== '/etc/apache2' ? { APACHE_CONFDIR: apache.configDir } : {};
  const answer = await host.query(argv, { env, timeoutMs: CONFIGTEST_MS, maxOutput: 65_536 });
  const said = tellingLines(`${answer.stdout}\n${answer.stderr}`, 4).filter((line) => !/^Action '.*' failed|^The Apache error log may/.test(line));
  return { passed: answer.code === 0, said: answer.timedOut ? ['it did not end'] : said };
}

/** What the newest lines of the error log mean, the newest first. */
async function readLog(host: ReadHost): Promise<HostEvidence['log']> {
  const answer = await host.query(['tail', '-n', String(LOG_LINES), host.facts.apache.errorLog], { timeoutMs: 5_000, maxOutput: 262_144 });
  return answer.code === 0 ? translateErrorLog(answer.stdout).slice(-3).reverse() : [];
}
