import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { dereference, loadYaml, mapEntries, Problems, toValue, type VaultOpener } from '@hsmfleet/yaml-source';
import { isMap, type Node } from 'yaml';

/**
 * One secret of a YAML file that Ansible Vault encrypted, as a whole or in the value itself.
 * @param place FILE:KEY; a key within a key is KEY.KEY
 * @throws HsmfleetError, HsmfleetErrors: USAGE for a place that is none, or whose value is not encrypted; FILE_MISSING,
 *   PLAYBOOK_SYNTAX, VAULT_PASSWORD, VAULT_INVALID
 */
export async function readVaultedValue(place: string, option: string, vault: VaultOpener): Promise<Secret> {
  const at = place.lastIndexOf(':');
  if (at < 1 || at === place.length - 1) throw new HsmfleetError('USAGE', `${option} wants FILE:KEY, not "${place}"`, { hint: 'the file is YAML, for example group_vars/webservers/vault.yml:token_pin' });
  const [file, key] = [place.slice(0, at), place.slice(at + 1)];
  const { source, problems } = await loadYaml(file, { vault });
  if (source.problems.length > 0) refuse(source.problems);
  let node: Node | null = source.root;
  for (const name of key.split('.')) {
    const map = dereference(node, source);
    const entry = isMap(map) ? mapEntries(map, source).find((each) => each.key === name) : undefined;
    if (entry === undefined) throw new HsmfleetError('USAGE', `${file} has no value "${key}"`, { hint: `${option} FILE:KEY names it` });
    node = entry.value;
  }
  const value = toValue(node, source);
  refuse(problems.filter(({ code }) => code === 'PLAYBOOK_SYNTAX'));
  if (value instanceof Secret) return value;
  throw new HsmfleetError('USAGE', `"${key}" of ${file} is not encrypted: it is not used`, { hint: 'hsmfleet vault encrypt-string encrypts it; change what others may have read' });
}

function refuse(found: readonly HsmfleetError[]): void {
  const problems = new Problems();
  problems.add(...found);
  problems.throwIfAny();
}
