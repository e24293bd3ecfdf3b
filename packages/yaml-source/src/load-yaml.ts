import { readFileSync } from 'node:fs';
import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { resolveSecrets, type SecretOptions } from './secret-reference.ts';
import { openText, openVaultValues } from './vault-values.ts';
import { YamlSource } from './yaml-source.ts';

/** A file as it was found: with problems it may be incomplete. */
export interface LoadedYaml {
  source: YamlSource;
  problems: HsmfleetError[];
  warnings: string[];
}

/**
 * Reads and parses a YAML file and resolves its secrets; a file that Ansible Vault or age encrypted is decrypted first. Mistakes in
 * the file are handed back, all of them.
 * @throws HsmfleetError FILE_MISSING when the file cannot be read
 */
export async function loadYaml(path: string, options: SecretOptions = {}): Promise<LoadedYaml> {
  const bytes = readBytes(path);
  return sealedKind(bytes) === 'age' ? finish(await openSealed(path, bytes, options), options) : parseYaml(path, bytes.toString('utf8'), options);
}

/** {@link loadYaml} for text that is at hand. */
export async function parseYaml(path: string, text: string, options: SecretOptions = {}): Promise<LoadedYaml> {
  return finish(sealedKind(text) === undefined ? new YamlSource(path, text) : await openSealed(path, text, options), options);
}

async function finish(source: YamlSource, options: SecretOptions): Promise<LoadedYaml> {
  const { problems, warnings } = await resolveSecrets(source, options);
  const sealed = await openVaultValues(source, options);
  return { source, problems: [...source.problems, ...problems, ...sealed], warnings };
}

async function openSealed(path: string, sealed: string | Buffer, { vault }: SecretOptions): Promise<YamlSource> {
  try {
    return new YamlSource(path, await openText(sealed, vault), { encrypted: true });
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const problem = new HsmfleetError(thrown.code, thrown.message, { position: { file: path, line: 1, column: 1 }, excerpt: sealed.toString().split(/\r?\n/, 1)[0], hint: thrown.hint });
    return new YamlSource(path, '', { encrypted: true, problem });
  }
}

/** At once: a fleet has hundreds of small files of variables, and the ways through the thread pool cost more than reading them. */
function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a directory' : 'cannot be read';
    throw new HsmfleetError('FILE_MISSING', `${path} ${why}`, { cause: thrown });
  }
}
