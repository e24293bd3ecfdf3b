import type { Rendered } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { SetFactParams } from './schema.ts';

export const resource = defineResource<SetFactParams, null>({
  name: 'set_fact',
  summary: 'Sets variables for the rest of the run on this host.',
  params: SetFactParams,
  examples: [{ title: 'A variable', yaml: 'set_fact:\n  site_port: 8443\n  site_name: "{{ inventory_hostname }}.example.org"\n' }],

  inspect: () => Promise.resolve(null),

  plan(params) {
    const variables = Object.fromEntries(Object.entries(params as Record<string, Rendered>).filter(([name]) => name !== 'cacheable'));
    return { steps: [], setVars: variables, result: { ansible_facts: variables } };
  },
});
