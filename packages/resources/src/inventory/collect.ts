import { toErrorShape, type AgentRow, type CardServiceRow, type ErrorShape, type InventoryReport, type NssDatabaseRow, type WebServerRow } from '@hsmfleet/contract';
import type { DiscoveredSite } from '@hsmfleet/httpd';
import type { ReadHost, TlsProof } from '@hsmfleet/resource';
import { PCSCD_SOCKET } from '../pcsc_access/pcscd.ts';
import { askAccess, type Access } from './access.ts';
import { readApache, type ApacheFindings } from './apache.ts';
import { describeCardService } from './card-service.ts';
import { DISTURBED_MARK } from './disturbed-mark.ts';
import { chooseModules, lookAtModuleFiles, readModules } from './modules.ts';
import { pathsOf, readNssDatabases, withAccess } from './nss-databases.ts';
import { describePinFiles, pinFilesOf } from './pin-files.ts';
import type { TokensRead } from './resolve-key.ts';
import type { InventoryParams } from './schema.ts';
import { readSiteSettings, type SiteSettings } from './site-settings.ts';
import { proveSites, siteRows, targetOf, tryOldProtocols, wasDisturbed, type SiteProof } from './sites.ts';
import { describeWebServer, readModNss } from './web-server.ts';

/** What was found, and what a repair would need. */
export interface Collected {
  report: InventoryReport;
  /** What served before tokens were read, and has to serve again when reading disturbed it. */
  served: TlsProof[];
}

/** Everything on the host, the careful way: tokens are read in a child that never finalizes, and sites are proven before and after. */
export async function collectInventory(host: ReadHost, params: InventoryParams): Promise<Collected> {
  const at = new Date(host.now()).toISOString();
  const apache = await readApache(host);
  const sites = params.sites === false ? [] : apache.sites;
  const inUse = apache.sites.flatMap(({ database }) => database ?? []);
  const nss = await readNssDatabases(host, params.nss_databases ?? inUse, params.nss_databases === undefined);
  const targets = await chooseModules(host, params, apache, nss.rows);
  // programs that look at files alone run beside the handshakes and the look at the tokens
  const beside = lookBeside(host, apache, sites, nss.rows);

  const before = await proveSites(host, sites);
  const old = tryOldProtocols(host, before);
  const passive = await isPassive(host, params, before);
  const modules = passive ? await lookAtModuleFiles(host, targets, at) : await readModules(host, targets);
  const touched = !passive && targets.length > 0;
  const served = before.filter(({ handshake }) => handshake?.ok === true);
  const disturbed = touched ? await wasDisturbed(host, before) : served.length > 0 ? false : null;

  const looked = await beside;
  const databases = withAccess(nss.rows, inUse, looked.access);
  const read: TokensRead = { modules, databases, live: !passive };
  return {
    report: {
      host: host.facts.hostname,
      at,
      modules,
      nssDatabases: databases,
      sites: siteRows(before, read, looked.settings, await old),
      pinFiles: await describePinFiles(host, sites, read, looked.access, apache.server?.startedAtMs),
      webServer: looked.webServer,
      cardService: looked.cardService,
      agent: await describeAgent(host),
      disturbed,
      evidence: passive ? 'passive' : 'live',
      errors: [...apache.errors, ...nss.errors, ...looked.errors],
    },
    served: served.map(({ site, handshake }) => ({
      target: targetOf(site),
      ...(handshake?.keyFingerprint === undefined ? {} : { keyFingerprint: handshake.keyFingerprint }),
    })),
  };
}

interface LookedBeside {
  access: Access;
  settings: Map<DiscoveredSite, SiteSettings>;
  webServer: WebServerRow | null;
  cardService: CardServiceRow | null;
  errors: ErrorShape[];
}

/** What needs no token. Never throws: what could not be found out is an error of the report. */
async function lookBeside(host: ReadHost, apache: ApacheFindings, sites: readonly DiscoveredSite[], databases: readonly NssDatabaseRow[]): Promise<LookedBeside> {
  const looked: LookedBeside = { access: () => null, settings: new Map(), webServer: null, cardService: null, errors: [] };
  try {
    const modNss = await readModNss(host, apache);
    looked.webServer = await describeWebServer(host, apache, modNss);
    const { runUser, configuredUser, installed } = looked.webServer;
    const user = runUser ?? configuredUser ?? (installed ? host.facts.apache.user : null);
    const [access, settings] = await Promise.all([
      askAccess(host, user, [...pinFilesOf(sites), ...pathsOf(databases), PCSCD_SOCKET]),
      readSiteSettings(host, sites, modNss),
    ]);
    Object.assign(looked, { access, settings });
    looked.cardService = await describeCardService(host, user, access);
  } catch (thrown) {
    looked.errors.push(toErrorShape(thrown, 'TASK_FAILED'));
  }
  return looked;
}

async function describeAgent(host: ReadHost): Promise<AgentRow | null> {
  const state = host.agentState();
  if (state === undefined) return null;
  const { stateUid, ...row } = state;
  const pending = await host.pendingWebChange();
  return {
    ...row,
    stateOwner: stateUid === null ? null : await host.userName(stateUid),
    pendingWebChange: pending === undefined ? null : { since: pending.since, apply: pending.apply, paths: pending.paths.length },
    readsTokensInWindowOnly: (await host.stat(DISTURBED_MARK)) !== undefined,
  };
}

async function isPassive(host: ReadHost, params: InventoryParams, before: readonly SiteProof[]): Promise<boolean> {
  if (params.read_tokens === 'always') return false;
  if (params.read_tokens === 'never') return true;
  return before.some(({ handshake }) => handshake?.ok === true) && (await host.stat(DISTURBED_MARK)) !== undefined;
}
