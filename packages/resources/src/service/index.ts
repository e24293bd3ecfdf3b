import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource, type ServiceAction, type Step } from '@hsmfleet/resource';
import { inspectService, type ServiceFacts } from './inspect-service.ts';
import { ServiceParams } from './schema.ts';

/** A service may say "started" a moment before it is. */
const SETTLE = 10_000;
const POLL = 100;

export const resource = defineResource<ServiceParams, ServiceFacts>({
  name: 'service',
  summary: 'A service: running or not, started with the machine or not. The web server starts only with PINs that are proven.',
  params: ServiceParams,
  converges: false,
  examples: [
    { title: 'Runs, now and after a reboot', yaml: 'service:\n  name: apache2\n  state: started\n  enabled: true\n' },
    { title: 'As a handler', yaml: 'service:\n  name: apache2\n  state: reloaded\n' },
  ],

  inspect: (host, params) => inspectService(host, params.name, params.enabled !== undefined),

  plan(params, facts) {
    const { name: unit, state, enabled } = params;
    const steps: Step[] = [];
    if (enabled !== undefined && enabled !== facts.enabled) steps.push({ kind: 'service', unit, action: enabled ? 'enable' : 'disable' });
    const action = state === undefined ? undefined : actionFor(state, facts.running);
    if (action !== undefined) steps.push({ kind: 'service', unit, action });
    return {
      steps,
      // in check mode, a task before this one may be about to install it
      ...(facts.known || steps.length === 0 ? {} : { warnings: [`the host has no service ${unit} yet`] }),
      result: { name: unit, state: state === 'stopped' ? 'stopped' : 'started', ...(enabled === undefined ? {} : { enabled }) },
    };
  },

  async verify(host, params) {
    const { name, state, enabled } = params;
    const deadline = host.now() + SETTLE;
    for (;;) {
      const facts = await inspectService(host, name, enabled !== undefined);
      const runs = state === undefined || facts.running === (state !== 'stopped');
      if (runs && (enabled === undefined || enabled === facts.enabled)) return;
      if (host.now() > deadline) {
        throw new HsmfleetError('DID_NOT_CONVERGE', runs
          ? `${name} is still ${facts.enabled ? 'enabled' : 'disabled'}`
          : `${name} is ${facts.running ? 'still running' : 'not running'} after it was ${String(state)}`, {
          hint: 'see its log; it may have ended by itself right after the start',
        });
      }
      await sleep(POLL);
    }
  },
});

function actionFor(state: NonNullable<ServiceParams['state']>, running: boolean): ServiceAction['action'] | undefined {
  switch (state) {
    case 'started': return running ? undefined : 'start';
    case 'stopped': return running ? 'stop' : undefined;
    case 'restarted': return running ? 'restart' : 'start';
    case 'reloaded': return running ? 'reload' : 'start';
  }
}
