import { dirname } from 'node:path';
import { HsmfleetError, isDeferred, type SourcePosition, type Value } from '@hsmfleet/contract';
import { loadHosts, originIn, readableValue, VARIABLE_LEVELS, type HostEntry, type HostsModel, type VariableLayer, type VariableSource } from '@hsmfleet/hosts';
import { createColors, printable, printableJson, wantsColor, type Colors } from '@hsmfleet/reporter';
import { renderValue, scopeOf } from '@hsmfleet/template';
import { isLocked, suggestion, type VaultOpener } from '@hsmfleet/yaml-source';
import { parseExtraVars } from './extra-vars.ts';
import { nearPath } from './near-path.ts';
import { needHosts } from './open-hosts.ts';
import { vaultOpener, type VaultOptions } from './vault-options.ts';

/** What `hsmfleet vars` is asked. */
export interface ExplainRequest {
  host: string;
  /** One variable alone. */
  name?: string | undefined;
  files: string[];
  playbook?: string | undefined;
  extraVars: string[];
  json: boolean;
  vault: VaultOptions;
}

/** A variable as it is shown. */
interface Explained {
  name: string;
  value: unknown;
  /** What the value comes to, when it is a template that can be rendered before a run. */
  rendered?: unknown;
  level: string;
  rank: number;
  group?: string;
  position?: SourcePosition;
  overridden: Omit<Explained, 'name' | 'overridden' | 'rendered'>[];
}

/**
 * Prints the variables of a host: the value, Ansible's level of precedence, the place, and what was overridden.
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function explainHost(request: ExplainRequest): Promise<number> {
  const { playbook, json } = request;
  const sealed = new Unopened(await vaultOpener(request.vault));
  // what a person would answer is not shown, so nobody is asked
  const secrets = { ask: () => Promise.resolve('unasked'), vault: sealed };
  const model = await loadHosts(needHosts(request.files), { ...secrets, ...(playbook === undefined ? {} : { playbookDir: dirname(playbook) }) });
  const entry = hostOf(model, request.host);
  const extraVars = await parseExtraVars(request.extraVars, secrets);
  const extra: VariableLayer[] = Object.keys(extraVars).length === 0 ? [] : [{ level: 'extra vars (-e)', vars: extraVars, places: new Map() }];
  const plays = playbook === undefined ? [] : await explainPlays(playbook, model, entry, extraVars, secrets);
  for (const warning of model.warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  if (sealed.met) process.stderr.write('note: no password opens some of what is encrypted: values are masked anyway, but names in files that are encrypted as a whole are missing\n');
  const sections = playbook === undefined ? [{ layers: [...entry.layers, ...extra] }] : plays.map(({ name, position, layers }) => ({ play: { name, position }, layers: [...entry.layers, ...layers] }));
  if (playbook !== undefined && plays.length === 0) throw new HsmfleetError('HOST_PATTERN', `no play of ${playbook} has the host ${entry.name}`, { hint: 'leave out --playbook for what the hosts files say' });
  const explained = sections.map((section) => ({ ...('play' in section ? { play: section.play } : {}), variables: variablesOf(entry, section.layers, request.name) }));
  if (request.name !== undefined && explained.every(({ variables }) => variables.length === 0)) {
    throw new HsmfleetError('UNDEFINED_VARIABLE', `${entry.name} has no variable "${request.name}"`, {
      hint: suggestion(request.name, sections.flatMap(({ layers }) => layers.flatMap(({ vars }) => Object.keys(vars)))) ?? 'facts, registered results and magic variables are not known here',
    });
  }
  if (json) {
    const [first] = explained;
    process.stdout.write(`${printableJson(playbook === undefined ? { host: entry.name, variables: first?.variables ?? [] } : { host: entry.name, playbook, plays: explained.map(({ play, variables }) => ({ ...play, variables })) }, 2)}\n`);
    return 0;
  }
  const colors = createColors(wantsColor(process.stdout));
  for (const { play, variables } of explained) {
    if (play !== undefined) process.stdout.write(`${colors.bold(`play "${printable(play.name)}"`)} ${colors.dim(placeText(play.position))}\n`);
    for (const variable of variables) process.stdout.write(variableText(variable, colors));
  }
  return 0;
}

function hostOf(model: HostsModel, name: string): HostEntry {
  const found = model.select(name);
  const entry = found.length === 1 ? model.find(found[0] as string) : undefined;
  if (entry === undefined) throw new HsmfleetError('USAGE', `"${name}" is ${String(found.length)} hosts`, { hint: 'name one host; hsmfleet hosts --vars shows those of several' });
  return entry;
}

async function explainPlays(playbook: string, hosts: HostsModel, { name }: HostEntry, extraVars: Record<string, Value>, { vault }: { vault: VaultOpener }) {
  const { explainVariables } = await import('@hsmfleet/playbook');
  return explainVariables({ playbook, hosts, host: name, extraVars, check: false, diff: false, run: 'none', user: 'nobody', vault });
}

function variablesOf(entry: HostEntry, given: readonly VariableLayer[], only: string | undefined): Explained[] {
  const layers = [...given].sort((a, b) => VARIABLE_LEVELS[a.level] - VARIABLE_LEVELS[b.level]);
  const vars = Object.assign({}, ...layers.map((layer) => layer.vars)) as Record<string, Value>;
  const scope = scopeOf(vars, { inventory_hostname: entry.name, inventory_hostname_short: entry.name.split('.')[0] ?? '', group_names: entry.groups });
  const names = only === undefined ? Object.keys(vars).sort() : Object.hasOwn(vars, only) ? [only] : [];
  return names.flatMap((name) => {
    const origin = originIn(layers, name);
    if (origin === undefined) return [];
    const { value, overridden } = origin;
    const rendered = isDeferred(value) ? renderedOf(value, scope) : undefined;
    return [{ name, ...shown(origin), ...(rendered === undefined ? {} : { rendered }), overridden: overridden.map(shown) }];
  });
}

function shown({ value, level, group, position }: VariableSource): Omit<Explained, 'name' | 'overridden' | 'rendered'> {
  return { value: readableValue(value), level, rank: VARIABLE_LEVELS[level], ...(group === undefined ? {} : { group }), ...(position === undefined ? {} : { position }) };
}

/** Undefined when it needs what only a run knows. */
function renderedOf(value: Value, scope: ReturnType<typeof scopeOf>): unknown {
  try {
    return readableValue(renderValue(value, scope));
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return undefined;
    throw thrown;
  }
}

function variableText({ name, rendered, overridden, ...source }: Explained, colors: Colors): string {
  const lines = [`${colors.bold(printable(name))}: ${valueText(source.value)}`];
  if (rendered !== undefined) lines.push(`    comes to ${valueText(rendered)}`);
  lines.push(`    ${colors.dim(sourceText(source))}`, ...overridden.map((each) => `    overrides ${valueText(each.value)} ${colors.dim(`(${sourceText(each)})`)}`));
  return `${lines.join('\n')}\n`;
}

function sourceText({ level, group, position }: Omit<Explained, 'name' | 'overridden'>): string {
  return `${level}${group === undefined ? '' : `, ${printable(group)}`}${position === undefined ? '' : `, ${placeText(position)}`}`;
}

function placeText({ file, line, column }: SourcePosition): string {
  return printable(`${nearPath(file)}:${String(line)}:${String(column)}`);
}

function valueText(value: unknown): string {
  return printableJson(value);
}

/** Opens what it can; what it cannot is taken for something that is not shown. */
class Unopened implements VaultOpener {
  readonly #opener: VaultOpener | undefined;
  /** Whether anything stayed closed. */
  met = false;

  constructor(opener: VaultOpener | undefined) {
    this.#opener = opener;
  }

  async open(sealed: string | Buffer): Promise<{ plaintext: Buffer }> {
    try {
      if (this.#opener !== undefined) return await this.#opener.open(sealed);
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError) || !isLocked(thrown)) throw thrown;
    }
    this.met = true;
    // a file without variables, where it is one, and else a text that is masked
    return { plaintext: Buffer.from('{}') };
  }
}
