import type { InventoryReport, Rendered } from '@hsmfleet/contract';
import { defineResource, type ReadHost, type Step, type TlsProof } from '@hsmfleet/resource';
import { readApache } from './apache.ts';
import { DISTURBED_MARK } from './disturbed-mark.ts';
import { chooseModules, lookAtModuleFiles, readModules } from './modules.ts';
import { readNssDatabases } from './nss-databases.ts';
import { InventoryParams } from './schema.ts';
import { proveSites, siteRows, targetOf, wasDisturbed, type SiteProof } from './sites.ts';

interface Facts {
  report: InventoryReport;
  /** What served before tokens were read, and has to serve again when reading disturbed it. */
  served: TlsProof[];
}

export const resource = defineResource<InventoryParams, Facts>({
  name: 'inventory',
  summary: 'What is on the host: PKCS#11 modules, tokens, keys, certificates, NSS databases and TLS sites.',
  params: InventoryParams,
  converges: false,
  examples: [
    { title: 'Everything, without a PIN and without disturbing a site', yaml: 'inventory: {}\n' },
    { title: 'One module only', yaml: 'inventory:\n  modules: [/usr/local/lib/libsc-hsm-pkcs11.so]\n  timeout: 20\n' },
  ],

  async inspect(host, params) {
    const facts = await collect(host, params);
    host.report(facts.report);
    return facts;
  },

  plan(_params, { report, served }) {
    const result = { report: report as unknown as Rendered };
    if (report.disturbed !== true) return { steps: [], result };
    return {
      steps: [repair(served)],
      warnings: ['reading tokens disturbed a serving site: the server is restarted, and from now on tokens of this host are read with read_tokens: always only'],
      result,
    };
  },
});

async function collect(host: ReadHost, params: InventoryParams): Promise<Facts> {
  const at = new Date(host.now()).toISOString();
  const apache = await readApache(host);
  const inUse = apache.sites.flatMap(({ database }) => database ?? []);
  const nss = await readNssDatabases(host, params.nss_databases ?? inUse, params.nss_databases === undefined);
  const targets = await chooseModules(host, params, apache, nss.rows);

  const before = await proveSites(host, params.sites === false ? [] : apache.sites);
  const passive = await isPassive(host, params, before);
  const modules = passive ? await lookAtModuleFiles(host, targets, at) : await readModules(host, targets);
  const touched = !passive && targets.length > 0;
  const served = before.filter(({ handshake }) => handshake?.ok === true);
  const disturbed = touched ? await wasDisturbed(host, before) : served.length > 0 ? false : null;
  return {
    report: {
      host: host.facts.hostname,
      at,
      modules,
      nssDatabases: nss.rows,
      sites: siteRows(before, modules),
      disturbed,
      evidence: passive ? 'passive' : 'live',
      errors: [...apache.errors, ...nss.errors],
    },
    served: served.map(({ site, handshake }) => ({
      target: targetOf(site),
      ...(handshake?.keyFingerprint === undefined ? {} : { keyFingerprint: handshake.keyFingerprint }),
    })),
  };
}

async function isPassive(host: ReadHost, params: InventoryParams, before: readonly SiteProof[]): Promise<boolean> {
  if (params.read_tokens === 'always') return false;
  if (params.read_tokens === 'never') return true;
  return before.some(({ handshake }) => handshake?.ok === true) && (await host.stat(DISTURBED_MARK)) !== undefined;
}

/** One full stop and start, proven, and the mark that keeps it from happening again. */
function repair(proofs: TlsProof[]): Step {
  return {
    kind: 'web_change',
    changes: [{ kind: 'write_file', path: DISTURBED_MARK, content: { from: 'text', text: 'reading a token stopped a site here; remove this file to allow it again\n' }, mode: 0o600 }],
    apply: 'restart',
    start: false,
    proofs,
    pins: [],
    why: 'restart the server that reading its token disturbed',
  };
}
