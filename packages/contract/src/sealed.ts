/** What something is encrypted with. */
export type SealedKind = 'vault' | 'age';

const VAULT_MAGIC = '$ANSIBLE_VAULT';
const AGE_ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----';
const AGE_BINARY = 'age-encryption.org/v1\n';

/** Tells from its first letters what a file or a value is encrypted with; undefined for anything else. */
export function sealedKind(content: string | Uint8Array): SealedKind | undefined {
  const start = typeof content === 'string' ? content.slice(0, AGE_ARMOR.length) : Buffer.from(content.subarray(0, AGE_ARMOR.length)).toString('latin1');
  if (start.startsWith(VAULT_MAGIC)) return 'vault';
  return start.startsWith(AGE_ARMOR) || start.startsWith(AGE_BINARY) ? 'age' : undefined;
}
