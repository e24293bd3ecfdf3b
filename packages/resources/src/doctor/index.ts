import type { HostEvidence, Rendered } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { collectEvidence } from './collect.ts';
import { DoctorParams } from './schema.ts';

export const resource = defineResource<DoctorParams, HostEvidence>({
  name: 'doctor',
  summary: 'What `hsmfleet doctor` judges a host by: the inventory, and who listens, what configtest says, what the libraries are linked to. Changes nothing.',
  params: DoctorParams,
  converges: false,
  examples: [
    { title: 'Everything, without a PIN and without disturbing a site', yaml: 'doctor: {}\n' },
    { title: 'Tokens too, in a maintenance window', yaml: 'doctor:\n  read_tokens: always\n' },
  ],

  inspect: collectEvidence,

  plan: (_params, evidence) => ({
    steps: [],
    // never repaired here, unlike by an inventory: whoever looks for a fault decides what to do about it
    warnings: evidence.report.disturbed === true ? ['reading tokens disturbed a serving site: stop and start the web server'] : [],
    result: { evidence: evidence as unknown as Rendered },
  }),
});
