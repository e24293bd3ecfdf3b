import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import type { AgeKeyring } from '@hsmfleet/age';
import type { PasswordSource, VaultKeyring } from '@hsmfleet/vault';
import type { VaultOpener } from '@hsmfleet/yaml-source';
import { AGE_OPTIONS, loadAgeKeyring, type AgeOptions } from './age-options.ts';
import { askHidden, canAsk } from './ask-secret.ts';
import type { OptionSpec } from './command.ts';

/** Where vault passwords and identities of age come from. */
export interface VaultOptions extends AgeOptions {
  vaultId?: string[];
  vaultPasswordFile?: string[];
  vaultPasswordFd?: string;
  askVaultPass?: true;
}

/** Options of every command that reads files which Ansible Vault or age may have encrypted. */
export const VAULT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--vault-password-file <file>', alias: '--vault-pass-file', repeat: true, description: 'file with a password of Ansible Vault, or an executable that prints it; may be repeated' },
  { flags: '--vault-id <label@source>', repeat: true, description: 'vault password with its label; the source is a file, an executable, or the word prompt; may be repeated' },
  { flags: '--vault-password-fd <n>', description: 'read a vault password from this file descriptor, to its end' },
  { flags: '-J, --ask-vault-pass', description: 'ask for a vault password' },
  ...AGE_OPTIONS,
];

/** Where a new vault password comes from. */
export interface NewVaultOptions {
  newVaultId?: string;
  newVaultPasswordFile?: string;
  newVaultPasswordFd?: string;
}

export const NEW_VAULT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--new-vault-password-file <file>', description: 'file with the new password, or an executable that prints it' },
  { flags: '--new-vault-id <label@source>', description: 'new password with its label, as for --vault-id' },
  { flags: '--new-vault-password-fd <n>', description: 'read the new password from this file descriptor, to its end' },
];

/**
 * What decrypts on the way of a run. Passwords that the command line names are read at once, so that a slip shows; those that
 * only the environment names are read when something is encrypted.
 * @throws HsmfleetError USAGE, VAULT_PASSWORD, AGE_IDENTITY, FILE_MISSING
 */
export async function vaultOpener(options: VaultOptions): Promise<VaultOpener> {
  let keyring: Promise<VaultKeyring> | undefined;
  let identities: Promise<AgeKeyring> | undefined;
  const load = (): Promise<VaultKeyring> => (keyring ??= loadKeyring(options));
  const loadAge = (): Promise<AgeKeyring> => (identities ??= loadAgeKeyring(options));
  if (isGiven(options)) await load();
  if (options.ageIdentity !== undefined) await loadAge();
  return { open: async (sealed) => (sealedKind(sealed) === 'age' ? (await loadAge()).open(sealed) : (await load()).open(sealed)) };
}

/**
 * The vault passwords of the command line and of ANSIBLE_VAULT_IDENTITY_LIST and ANSIBLE_VAULT_PASSWORD_FILE.
 * @param wish `prompt` asks a person when nothing says where a password is, `new` also asks twice for each
 * @throws HsmfleetError USAGE, VAULT_PASSWORD, FILE_MISSING
 */
export async function loadKeyring(options: VaultOptions, wish?: 'prompt' | 'new'): Promise<VaultKeyring> {
  const { VaultKeyring } = await import('@hsmfleet/vault');
  const sources = [
    ...(await namedSources(options)),
    ...(options.vaultPasswordFd === undefined ? [] : [descriptor(options.vaultPasswordFd, '--vault-password-fd')]),
  ];
  if (options.askVaultPass === true || (sources.length === 0 && wish !== undefined && canAsk())) sources.push({ kind: 'prompt', label: 'default' });
  return new VaultKeyring(await loadAll(sources, wish === 'new'));
}

/** Where passwords are that the command line and the environment name: by vault id, then by file. @throws HsmfleetError USAGE */
export async function namedSources({ vaultId = [], vaultPasswordFile = [] }: VaultOptions): Promise<PasswordSource[]> {
  const { parseVaultId } = await import('@hsmfleet/vault');
  const { ANSIBLE_VAULT_IDENTITY_LIST: identities = '', ANSIBLE_VAULT_PASSWORD_FILE: file = '' } = process.env;
  return [
    ...[...identities.split(',').map((each) => each.trim()).filter((each) => each !== ''), ...vaultId].map(parseVaultId),
    ...[...vaultPasswordFile, ...(file === '' ? [] : [file])].map((path): PasswordSource => ({ kind: 'file', label: 'default', path })),
  ];
}

/**
 * The new password of `vault rekey`, asked for twice when nothing says where it is.
 * @throws HsmfleetError USAGE, VAULT_PASSWORD, FILE_MISSING
 */
export async function loadNewKeyring({ newVaultId, newVaultPasswordFile, newVaultPasswordFd }: NewVaultOptions): Promise<VaultKeyring> {
  const { parseVaultId, VaultKeyring } = await import('@hsmfleet/vault');
  const sources: PasswordSource[] = [
    ...(newVaultId === undefined ? [] : [parseVaultId(newVaultId)]),
    ...(newVaultPasswordFile === undefined ? [] : [{ kind: 'file', label: 'default', path: newVaultPasswordFile } as const]),
    ...(newVaultPasswordFd === undefined ? [] : [descriptor(newVaultPasswordFd, '--new-vault-password-fd')]),
  ];
  if (sources.length > 1) throw new HsmfleetError('USAGE', 'several new vault passwords are given', { hint: 'one of --new-vault-id, --new-vault-password-file and --new-vault-password-fd' });
  return new VaultKeyring(await loadAll(sources.length === 0 ? [{ kind: 'prompt', label: 'default' }] : sources, true));
}

async function loadAll(sources: readonly PasswordSource[], confirm: boolean): Promise<VaultKeyring['keys']> {
  const [{ loadVaultKey }, { printable }] = await Promise.all([import('@hsmfleet/vault'), import('@hsmfleet/reporter')]);
  const keys: VaultKeyring['keys'][number][] = [];
  const warn = (message: string): void => { process.stderr.write(`warning: ${printable(message)}\n`); };
  // one after the other: two prompts, or scripts that ask, must not meet on the terminal
  for (const source of sources) keys.push(await loadVaultKey(source, { ask: canAsk() ? askHidden : undefined, confirm, warn }));
  return keys;
}

function isGiven({ vaultId, vaultPasswordFile, vaultPasswordFd, askVaultPass }: VaultOptions): boolean {
  return vaultId !== undefined || vaultPasswordFile !== undefined || vaultPasswordFd !== undefined || askVaultPass === true;
}

function descriptor(text: string, option: string): PasswordSource {
  if (!/^\d{1,4}$/.test(text)) throw new HsmfleetError('USAGE', `${option} wants the number of an open file descriptor, not "${text}"`);
  return { kind: 'fd', label: 'default', fd: Number(text) };
}
