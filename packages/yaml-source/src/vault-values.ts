import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { isScalar, visit, type Scalar } from 'yaml';
import type { YamlSource } from './yaml-source.ts';

/** Decrypts what Ansible Vault encrypted. */
export interface VaultOpener {
  /** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID */
  open(vaultText: string): Promise<{ plaintext: Buffer }>;
}

/** Tags of values that Ansible Vault encrypted. */
const VAULT_TAGS: ReadonlySet<string | undefined> = new Set(['!vault', '!vault-encrypted']);

/** Is a whole file encrypted? */
export function isVaulted(text: string): boolean {
  return text.startsWith('$ANSIBLE_VAULT');
}

/**
 * Decrypts every `!vault` value of a file into {@link YamlSource.secrets}.
 * @returns what could not be decrypted: VAULT_PASSWORD, VAULT_INVALID, with position
 */
export async function openVaultValues(source: YamlSource, vault: VaultOpener | undefined): Promise<HsmfleetError[]> {
  const problems: HsmfleetError[] = [];
  const nodes: Scalar[] = [];
  visit(source.root, {
    Node(_key, node) {
      if (!VAULT_TAGS.has(node.tag)) return;
      if (isScalar(node)) nodes.push(node);
      else problems.push(source.problem('VAULT_INVALID', `${node.tag ?? ''} takes a text`, node, 'hsmfleet vault encrypt-string writes one'));
    },
  });
  // together, since key derivation is slow on purpose and runs beside this program
  await Promise.all(nodes.map(async (node) => {
    try {
      source.secrets.set(node, new Secret(await openText(String(node.value), vault), source.originOf(node)));
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      const problem = source.problem(thrown.code, thrown.message, node, thrown.hint);
      source.unopened.set(node, problem);
      problems.push(problem);
    }
  }));
  return problems;
}

/** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID */
export async function openText(vaultText: string, vault: VaultOpener | undefined): Promise<string> {
  if (vault === undefined) {
    throw new HsmfleetError('VAULT_PASSWORD', 'it is encrypted with Ansible Vault, and no vault password is given', { hint: 'give one with --vault-password-file, --vault-id or --ask-vault-pass' });
  }
  const { plaintext } = await vault.open(vaultText);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    throw new HsmfleetError('VAULT_INVALID', 'what was encrypted is no UTF-8 text', { hint: 'a file of other bytes is decrypted with hsmfleet vault decrypt' });
  }
}
