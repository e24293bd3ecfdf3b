import { defineCommand, type Command, type Invocation, type OptionSpec } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import { AGE_RECIPIENT_OPTIONS, type AgeRecipientOptions } from '../age-options.ts';
import { NEW_VAULT_OPTIONS, VAULT_OPTIONS, type NewVaultOptions, type VaultOptions } from '../vault-options.ts';
import type { VaultWriteOptions } from '../vault-commands.ts';

const FILES = { name: '<files...>', description: 'encrypted files' };
const ENCRYPT_ID: OptionSpec = { flags: '--encrypt-vault-id <label>', description: 'label of the password that encrypts, where several are given' };
const OUTPUT: OptionSpec = { flags: '-o, --output <file>', description: 'write here, with one input file; - is standard output' };

const create = defineCommand<VaultWriteOptions>({
  name: 'vault create',
  summary: 'write a new encrypted file in an editor',
  description: 'The plain text is kept in memory (/dev/shm) while you edit, never on a disk. $VISUAL or $EDITOR is the editor.',
  arguments: [{ name: '<file>', description: 'file to make; it must not exist yet' }],
  options: [ENCRYPT_ID, ...AGE_RECIPIENT_OPTIONS, ...VAULT_OPTIONS, DEBUG_OPTION],
  examples: ['hsmfleet vault create group_vars/webservers/vault.yml'],
  async run({ args: [file = ''], options }) {
    const { createFile } = await import('../vault-commands.ts');
    return createFile(file, options);
  },
});

const edit = defineCommand<VaultOptions & AgeRecipientOptions>({
  name: 'vault edit',
  summary: 'change an encrypted file in an editor',
  description: 'Password, label, mode and owner stay. A file that is not changed, or whose editor fails, is not touched. A file that age encrypted for several recipients does not say who they are: name them.',
  arguments: [FILES],
  options: [...AGE_RECIPIENT_OPTIONS, ...VAULT_OPTIONS, DEBUG_OPTION],
  examples: ['hsmfleet vault edit group_vars/webservers/vault.yml --vault-password-file ~/.vault'],
  async run(invocation) {
    const { editFiles } = await import('../vault-commands.ts');
    return editFiles(filesOf(invocation), invocation.options);
  },
});

const view = defineCommand<VaultOptions>({
  name: 'vault view',
  summary: 'print what is in an encrypted file',
  arguments: [FILES],
  options: [...VAULT_OPTIONS, DEBUG_OPTION],
  examples: ['hsmfleet vault view group_vars/webservers/vault.yml'],
  async run(invocation) {
    const { viewFiles } = await import('../vault-commands.ts');
    return viewFiles(filesOf(invocation), invocation.options);
  },
});

const encrypt = defineCommand<VaultWriteOptions>({
  name: 'vault encrypt',
  summary: 'encrypt files in their places, or standard input',
  description: 'Files change whole or not at all, and keep mode and owner. A label other than default makes format 1.2.',
  arguments: [{ name: '[files...]', description: 'files to encrypt; standard input when absent, or -' }],
  options: [OUTPUT, ENCRYPT_ID, ...AGE_RECIPIENT_OPTIONS, ...VAULT_OPTIONS, DEBUG_OPTION],
  examples: ['hsmfleet vault encrypt group_vars/webservers/vault.yml --vault-id prod@prompt'],
  async run(invocation) {
    const { encryptFiles } = await import('../vault-commands.ts');
    return encryptFiles(filesOf(invocation), invocation.options);
  },
});

const decrypt = defineCommand<VaultWriteOptions>({
  name: 'vault decrypt',
  summary: 'decrypt files in their places, or standard input',
  description: 'To read a file, use `vault view`: it leaves no plain text behind.',
  arguments: [{ name: '[files...]', description: 'files to decrypt; standard input when absent, or -' }],
  options: [OUTPUT, ...VAULT_OPTIONS, DEBUG_OPTION],
  examples: ['hsmfleet vault decrypt backup.tar.vault -o backup.tar --vault-password-file ~/.vault'],
  async run(invocation) {
    const { decryptFiles } = await import('../vault-commands.ts');
    return decryptFiles(filesOf(invocation), invocation.options);
  },
});

const rekey = defineCommand<VaultOptions & NewVaultOptions & AgeRecipientOptions & { onlyVaultId?: string[] }>({
  name: 'vault rekey',
  summary: 'give encrypted files and values another password, or other recipients',
  description: 'Takes files that are encrypted as a whole, and YAML files with encrypted values, whose comments and layout stay. All of them, or none when one cannot be decrypted. The new password is asked for twice when no option says where it is.',
  arguments: [FILES],
  options: [
    ...NEW_VAULT_OPTIONS,
    { flags: '--only-vault-id <label>', repeat: true, description: 'leave alone what has another vault id; may be repeated' },
    ...AGE_RECIPIENT_OPTIONS, ...VAULT_OPTIONS, DEBUG_OPTION,
  ],
  examples: [
    'hsmfleet vault rekey group_vars/*/vault.yml --vault-password-file old --new-vault-id prod@new',
    'hsmfleet vault rekey group_vars/all.yml --vault-password-file old --age-recipients-file team.txt',
  ],
  async run(invocation) {
    const { rekey: rekeyFiles } = await import('../vault-commands.ts');
    return rekeyFiles(filesOf(invocation), invocation.options);
  },
});

/** `hsmfleet vault …` for whole files. */
export const vaultFiles: readonly Command[] = [create, edit, view, encrypt, decrypt, rekey];

/** The words after these commands. */
function filesOf({ args }: Invocation<unknown>): string[] {
  return args.filter((each) => each !== undefined);
}
