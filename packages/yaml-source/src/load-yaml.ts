import { readFile } from 'node:fs/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { resolveSecrets, type SecretOptions } from './secret-reference.ts';
import { YamlSource } from './yaml-source.ts';

/** A file as it was found: with problems it may be incomplete. */
export interface LoadedYaml {
  source: YamlSource;
  problems: HsmfleetError[];
  warnings: string[];
}

/**
 * Reads and parses a YAML file and resolves its secrets. Mistakes in the file are handed back, all of them.
 * @throws HsmfleetError FILE_MISSING when the file cannot be read
 */
export async function loadYaml(path: string, options: SecretOptions = {}): Promise<LoadedYaml> {
  return parseYaml(path, await readText(path), options);
}

/** {@link loadYaml} for text that is at hand. */
export async function parseYaml(path: string, text: string, options: SecretOptions = {}): Promise<LoadedYaml> {
  const source = new YamlSource(path, text);
  const { problems, warnings } = await resolveSecrets(source, options);
  return { source, problems: [...source.problems, ...problems], warnings };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a directory' : 'cannot be read';
    throw new HsmfleetError('FILE_MISSING', `${path} ${why}`, { cause: thrown });
  }
}
