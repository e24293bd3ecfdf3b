import { HsmfleetError, LockedSecret, Secret, sealedKind } from '@hsmfleet/contract';
import { isScalar, visit, type Scalar } from 'yaml';
import type { SecretOptions } from './secret-reference.ts';
import type { YamlSource } from './yaml-source.ts';

/** Decrypts what Ansible Vault or age encrypted: text, or bytes where age wrote no armor. */
export interface VaultOpener {
  /** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID */
  open(sealed: string | Buffer): Promise<{ plaintext: Buffer }>;
}

/** Tags of values that are encrypted. What the text begins with says with what. */
export const SEALED_TAGS: ReadonlySet<string | undefined> = new Set(['!vault', '!vault-encrypted', '!age']);

/** Is the password or the identity missing, rather than something wrong with what is encrypted? */
export function isLocked(problem: { code: string }): boolean {
  return problem.code === 'VAULT_PASSWORD' || problem.code === 'AGE_IDENTITY';
}

/**
 * Decrypts every `!vault` and `!age` value of a file into {@link YamlSource.secrets}.
 * @returns what could not be decrypted: VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID, with position
 */
export async function openVaultValues(source: YamlSource, { vault, openLater = false }: Pick<SecretOptions, 'vault' | 'openLater'>): Promise<HsmfleetError[]> {
  const problems: HsmfleetError[] = [];
  const nodes: Scalar[] = [];
  visit(source.root, {
    Node(_key, node) {
      if (!SEALED_TAGS.has(node.tag)) return;
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
      if (openLater && isLocked(problem)) {
        source.secrets.set(node, new LockedSecret(problem, source.originOf(node)));
        return;
      }
      source.unopened.set(node, problem);
      problems.push(problem);
    }
  }));
  return problems;
}

/** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID */
export async function openText(sealed: string | Buffer, vault: VaultOpener | undefined): Promise<string> {
  const plaintext = await openBytes(sealed, vault);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    throw new HsmfleetError('VAULT_INVALID', 'what was encrypted is no UTF-8 text', { hint: 'a file of other bytes is decrypted with hsmfleet vault decrypt' });
  }
}

/** @throws HsmfleetError VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID */
export async function openBytes(sealed: string | Buffer, vault: VaultOpener | undefined): Promise<Buffer> {
  if (vault !== undefined) return (await vault.open(sealed)).plaintext;
  if (sealedKind(sealed) === 'age') throw new HsmfleetError('AGE_IDENTITY', 'it is encrypted with age, and no identity is given', { hint: 'give one with --age-identity FILE, or name the file in HSMFLEET_AGE_IDENTITY' });
  throw new HsmfleetError('VAULT_PASSWORD', 'it is encrypted with Ansible Vault, and no vault password is given', { hint: 'give one with --vault-password-file, --vault-id or --ask-vault-pass' });
}
