import type { ModuleRow } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';

/**
 * Proves, when the run was given manifests, that the tokens a task is about to use are those that were prepared.
 * @param label of the token that the task names; undefined: every initialised token that the module shows
 * @throws HsmfleetError CUSTODY
 */
export async function proveCustody(host: ReadHost, module: ModuleRow, label: string | undefined): Promise<void> {
  if (host.custody === undefined) return;
  for (const token of module.tokens) {
    if (label === undefined ? token.label !== '' : token.label === label) await host.custody.prove(module, token);
  }
}
