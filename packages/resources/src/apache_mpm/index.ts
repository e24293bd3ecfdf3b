import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { processModelChanges, readProcessModel, type ProcessModel } from './process-model.ts';
import { ApacheMpmParams } from './schema.ts';

export const resource = defineResource<ApacheMpmParams, ProcessModel>({
  name: 'apache_mpm',
  summary: "Apache's process model: one threaded process, which a token needs.",
  params: ApacheMpmParams,
  examples: [
    { title: 'One process with 64 threads', yaml: 'apache_mpm:\n  mpm: event\n' },
    { title: 'More threads', yaml: 'apache_mpm:\n  threads: 150\n' },
  ],

  inspect: (host) => readProcessModel(host),

  plan(params, facts) {
    if (!facts.apache.installed) throw new HsmfleetError('TASK_FAILED', `Apache is not installed (${facts.apache.binary})`, { hint: 'install it with a package task first' });
    const mpm = params.mpm ?? 'event';
    if (facts.needsPrefork !== null) {
      return {
        steps: [],
        warnings: [
          `${facts.needsPrefork} is loaded and works with mpm_prefork only, so the process model was left as it is: its processes take the login of a token from each other. Move PHP to php-fpm, then disable the module`,
        ],
      };
    }
    const settings = { mpm, serverLimit: params.server_limit ?? 1, threads: params.threads ?? 64, maxConnectionsPerChild: params.max_connections_per_child ?? 0 };
    const changes = processModelChanges(settings, facts);
    if (changes.length === 0) return { steps: [] };
    return {
      steps: [{ kind: 'web_change', changes, apply: 'pending-restart', start: false, proofs: [], pins: [], why: `run Apache with mpm_${mpm}, ${String(params.server_limit ?? 1)} process` }],
    };
  },
});
