import type { Rendered } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { DebugParams } from './schema.ts';

/** What Ansible says of a variable that does not exist; playbooks look for it. */
const NOT_DEFINED = 'VARIABLE IS NOT DEFINED!';

export const resource = defineResource<DebugParams, null>({
  name: 'debug',
  summary: 'Says something during a run. Secrets are masked.',
  params: DebugParams,
  expressions: ['var'],
  examples: [
    { title: 'A message', yaml: 'debug:\n  msg: "this is {{ inventory_hostname }}"\n' },
    { title: 'A value', yaml: 'debug:\n  var: ansible_facts.distribution\n' },
  ],

  inspect: () => Promise.resolve(null),

  plan(params) {
    const quiet = (params.verbosity ?? 0) > 0;
    if (params.var !== undefined) {
      const { expression, value = NOT_DEFINED } = params.var;
      return { steps: [], result: { [expression]: value }, ...(quiet ? {} : { message: `${expression}: ${text(value)}` }) };
    }
    const value = params.msg === undefined ? 'Hello world!' : (params.msg as Rendered);
    return { steps: [], result: { msg: value }, ...(quiet ? {} : { message: text(value) }) };
  },
});

/** JSON masks secrets by itself. */
function text(value: Rendered): string {
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
}
