import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';

interface SudoersOptions {
  becomeUser: string;
  password?: true;
}

/** `hsmfleet hosts sudoers`: what an unprivileged login needs in sudoers. */
export const hostsSudoers = defineCommand<SudoersOptions>({
  name: 'hosts sudoers',
  summary: 'print lines for sudoers by which a user may start and install the agent, and nothing else',
  description: 'sudo then compares whole command lines, which hold the SHA-256 of each file of this agent: print them again after an update. Whoever may start the agent may have it do anything that playbooks can.',
  arguments: [{ name: '<user>', description: 'who logs in; %name for a group' }],
  options: [
    { flags: '--become-user <name>', description: 'who the agent runs as', default: 'root' },
    { flags: '--password', description: 'sudo asks for the password of the user (apply -K)' },
    DEBUG_OPTION,
  ],
  examples: ['hsmfleet hosts sudoers deploy | ssh root@web01 "cat > /etc/sudoers.d/hsmfleet.new && visudo -cf /etc/sudoers.d/hsmfleet.new && mv /etc/sudoers.d/hsmfleet.new /etc/sudoers.d/hsmfleet"'],
  async run({ args: [user = ''], options }) {
    const { printSudoers } = await import('../print-sudoers.ts');
    return printSudoers(user, options.becomeUser, options.password === true);
  },
});
