import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import { AGE_RECIPIENT_OPTIONS } from '../age-options.ts';
import type { VaultWriteOptions } from '../vault-commands.ts';
import { VAULT_OPTIONS } from '../vault-options.ts';

/** `hsmfleet vault encrypt-string`. */
export const vaultString = defineCommand<VaultWriteOptions & { name?: string }>({
  name: 'vault encrypt-string',
  summary: 'encrypt one value, for a YAML file',
  description: 'The value is asked for twice, or comes on standard input, without the line break at its end. It is never part of a command line, where others see it.',
  arguments: [],
  options: [
    { flags: '-n, --name <variable>', description: 'print "variable: !vault …" (or !age), ready for a variables file' },
    { flags: '--encrypt-vault-id <label>', description: 'label of the password that encrypts, where several are given' },
    ...AGE_RECIPIENT_OPTIONS, ...VAULT_OPTIONS, DEBUG_OPTION,
  ],
  examples: ['hsmfleet vault encrypt-string --name token_pin --vault-id prod@~/.vault >> group_vars/webservers.yml'],
  async run({ options }) {
    const { encryptString } = await import('../vault-commands.ts');
    return encryptString(options);
  },
});
