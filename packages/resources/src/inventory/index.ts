import type { Rendered } from '@hsmfleet/contract';
import { defineResource, type Step, type TlsProof } from '@hsmfleet/resource';
import { collectInventory, type Collected } from './collect.ts';
import { DISTURBED_MARK } from './disturbed-mark.ts';
import { InventoryParams } from './schema.ts';

export const resource = defineResource<InventoryParams, Collected>({
  name: 'inventory',
  summary: 'What is on the host: PKCS#11 modules, tokens, keys, certificates, NSS databases and TLS sites.',
  params: InventoryParams,
  converges: false,
  examples: [
    { title: 'Everything, without a PIN and without disturbing a site', yaml: 'inventory: {}\n' },
    { title: 'One module only', yaml: 'inventory:\n  modules: [/usr/local/lib/libsc-hsm-pkcs11.so]\n  timeout: 20\n' },
  ],

  async inspect(host, params) {
    const facts = await collectInventory(host, params);
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
