import { dirname } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { loadHosts, type HostsModel } from '@hsmfleet/hosts';
import { printable } from '@hsmfleet/terminal-text';
import { askHidden, canAsk } from './ask-secret.ts';
import { vaultOpener, type VaultOptions } from './vault-options.ts';

/** @throws HsmfleetError USAGE when no hosts file was given */
export function needHosts(files: string[] | undefined): string[] {
  if (files !== undefined && files.length > 0) return files;
  throw new HsmfleetError('USAGE', 'no hosts file is given', { hint: 'name one with -i: hsmfleet … -i hosts.yml' });
}

/**
 * Reads the hosts files of a command line, and tells what they warn about.
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function openHosts(files: string[], vault: VaultOptions, playbook?: string): Promise<HostsModel> {
  const model = await loadHosts(needHosts(files), {
    ask: canAsk() ? askHidden : undefined, vault: await vaultOpener(vault), ...(playbook === undefined ? {} : { playbookDir: dirname(playbook) }),
  });
  for (const warning of model.warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  return model;
}
