import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { FailParams } from './schema.ts';

export const resource = defineResource<FailParams, null>({
  name: 'fail',
  summary: 'Stops the host with a message; with `when`, only where something is wrong.',
  params: FailParams,
  examples: [{ title: 'A host that must not be touched', yaml: "fail:\n  msg: this host is still in production\nwhen: inventory_hostname == 'web01'\n" }],

  inspect: () => Promise.resolve(null),

  plan({ msg }) {
    throw new HsmfleetError('TASK_FAILED', msg === undefined ? 'failed as requested from task' : String(msg));
  },
});
