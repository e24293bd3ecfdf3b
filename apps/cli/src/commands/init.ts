import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import type { InitOptions } from '../init-project.ts';
import { VAULT_OPTIONS } from '../vault-options.ts';

/** `hsmfleet init`: a project folder to start from. */
export const init = defineCommand<InitOptions>({
  name: 'init',
  summary: 'make a project folder: hosts, variables with an encrypted PIN, playbook',
  description: 'Asks five questions; options answer them beforehand. The PIN is encrypted with Ansible Vault before it is written. Without a vault password one is made and put into .vault-password, for you alone. Nothing that exists is overwritten.',
  arguments: [{ name: '[folder]', description: 'where; the present folder when absent' }],
  options: [
    { flags: '--webservers <names>', description: 'names or ranges of the webservers, with commas between' },
    { flags: '-u, --user <name>', description: 'who logs in there' },
    { flags: '--token <label>', description: 'label of the tokens' },
    { flags: '--key-id <hex>', description: 'ID of the key to serve with' },
    { flags: '--pin-file <file>', description: 'read the PIN from this file, which only you can read' },
    { flags: '--pin-fd <n>', description: 'read the PIN from this file descriptor' },
    { flags: '--module <path>', description: 'PKCS#11 library on the webservers', default: '/usr/lib/libsc-hsm-pkcs11.so' },
    ...VAULT_OPTIONS, DEBUG_OPTION,
  ],
  examples: ['hsmfleet init fleet', 'hsmfleet init fleet --webservers "web[01:20].example.net" --user ops --token SmartCard-HSM --key-id 01 --pin-file pin'],
  async run({ args: [folder = '.'], options }) {
    const { initProject } = await import('../init-project.ts');
    return initProject(folder, options);
  },
});
