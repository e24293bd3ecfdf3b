import { HsmfleetError } from '@hsmfleet/contract';
import { agentSudoers } from '@hsmfleet/runner';
import { loadAgentBundle } from './agent-bundle.ts';

/**
 * Prints what sudoers needs for the agent that this program brings.
 * @returns 0
 * @throws HsmfleetError USAGE for a name that sudoers would read as something else, FILE_MISSING when the agent is not built
 */
export async function printSudoers(user: string, as: string, password: boolean): Promise<number> {
  for (const name of [user.replace(/^%/, ''), as]) {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(name) || name === 'ALL') throw new HsmfleetError('USAGE', `"${name}" is no name of a user`, { hint: 'give the name of one user, or %name for a group' });
  }
  const bundle = await loadAgentBundle(() => { process.stderr.write('packing the Node runtime for hosts without one (once)\n'); });
  process.stdout.write(agentSudoers(bundle, user, as, { password }));
  return 0;
}
