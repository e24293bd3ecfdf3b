import { split } from 'shlex';
import { isMap } from 'yaml';
import { Deferred, HsmfleetError, type Value } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { loadYaml, mapEntries, parseYaml, Problems, toValue, type LoadedYaml, type SecretOptions } from '@hsmfleet/yaml-source';

/**
 * Variables of `-e`, later ones over earlier ones. As in Ansible: `@FILE` is YAML or JSON (`!secret` works); text that
 * starts with `{` is JSON or YAML; everything else is `key=value` words, whose values stay text.
 * @throws HsmfleetError, HsmfleetErrors: FILE_MISSING, USAGE, PLAYBOOK_SYNTAX, SECRET_REFERENCE
 */
export async function parseExtraVars(given: readonly string[], options: SecretOptions = {}): Promise<Record<string, Value>> {
  const vars: Record<string, Value> = {};
  for (const text of given) {
    if (text.startsWith('@')) Object.assign(vars, mappingOf(await loadYaml(text.slice(1), options)));
    else if (text.trimStart().startsWith('{')) Object.assign(vars, mappingOf(await parseYaml('-e', text, options)));
    else Object.assign(vars, assignments(text));
  }
  return vars;
}

function assignments(text: string): Record<string, Value> {
  return Object.fromEntries(words(text).map((word) => {
    const at = word.indexOf('=');
    if (at < 1) {
      throw new HsmfleetError('USAGE', `-e wants key=value, @FILE or JSON, not "${word}"`, { hint: 'quote values with blanks: -e "motto=\'a b\'"' });
    }
    const value = word.slice(at + 1);
    return [word.slice(0, at), hasMarkup(value) ? new Deferred(value) : value];
  }));
}

function words(text: string): string[] {
  try {
    return split(text);
  } catch (cause) {
    throw new HsmfleetError('USAGE', '-e has a quote that is not closed', { cause });
  }
}

function mappingOf({ source, problems }: LoadedYaml): Record<string, Value> {
  const found = new Problems();
  found.add(...problems);
  found.throwIfAny();
  if (!isMap(source.root)) throw source.problem('USAGE', 'variables have to be a mapping of names to values', source.root);
  return Object.fromEntries(mapEntries(source.root, source).map(({ key, value }) => [key, toValue(value, source)]));
}
