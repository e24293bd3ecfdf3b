import { readFile } from 'node:fs/promises';
import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { suggestion } from '@hsmfleet/yaml-source';

/** What the file is called that an ad hoc play would stand in. */
export const ADHOC_FILE = 'command line';

/** A play with one task, made of a command line. */
export interface AdhocPlay {
  text: string;
  /** Where the parameters stand in the text, and where a person wrote them; absent when they are one text. */
  written?: { file: string; line: number; indent: number } | undefined;
}

/** Line of the play's text on which a mapping of parameters begins. */
const PARAMS_LINE = 5;
const INDENT = 8;

/**
 * The play for `hsmfleet run PATTERN -m RESOURCE -a PARAMETERS`. Parameters are `key=value` words (with the free form of
 * resources that have one), JSON or YAML in braces, or `@FILE` with either.
 * @throws HsmfleetError USAGE, FILE_MISSING
 */
export async function adhocPlay(pattern: string, module: string | undefined, parameters: string | undefined): Promise<AdhocPlay> {
  if (module === undefined) {
    throw new HsmfleetError('USAGE', 'no resource is named', { hint: 'name one with -m: hsmfleet run PATTERN -m command -a uptime; for a plain command: hsmfleet shell PATTERN -- uptime' });
  }
  const { resources } = await import('@hsmfleet/resources');
  const resource = module.replace(/^ansible\.(?:builtin|legacy)\./, '');
  if (!resources.has(resource)) {
    const hint = resource === 'shell' || resource === 'raw' ? 'hsmfleet shell PATTERN -- sh -c "…", or -m command for one program' : suggestion(resource, resources.keys()) ?? 'docs/reference lists the resources';
    throw new HsmfleetError('USAGE', `there is no resource "${module}"`, { hint });
  }
  const head = playHead(pattern, parameters !== undefined && hasMarkup(parameters));
  if (parameters === undefined) return { text: `${head}    - ${resource}:\n` };
  const file = parameters.startsWith('@') ? parameters.slice(1) : undefined;
  const given = file === undefined ? parameters : await textOf(file);
  if (file === undefined && (!given.trimStart().startsWith('{') || given.trimStart().startsWith('{{'))) return { text: `${head}    - ${resource}: ${JSON.stringify(given)}\n` };
  const body = given.split(/\r?\n/).map((line) => (line === '---' ? '' : ' '.repeat(INDENT) + line)).join('\n');
  return { text: `${head}    - ${resource}:\n${body}\n`, written: { file: file ?? '-a', line: PARAMS_LINE, indent: INDENT } };
}

/** The play for `hsmfleet shell PATTERN -- argv…`: words go to the program as they are, braces included. */
export function shellPlay(pattern: string, argv: readonly string[]): AdhocPlay {
  if (argv.length === 0) throw new HsmfleetError('USAGE', 'no program is named', { hint: 'hsmfleet shell PATTERN -- uptime' });
  return { text: `${playHead(pattern, false)}    - command:\n        argv:\n${argv.map((word) => `          - !unsafe ${JSON.stringify(word)}\n`).join('')}` };
}

function playHead(pattern: string, facts: boolean): string {
  return `- hosts: ${JSON.stringify(pattern)}\n  gather_facts: ${String(facts)}\n  tasks:\n`;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `${file} cannot be read`, { cause, hint: '-a @FILE names a file with the parameters, as YAML or JSON' });
  }
}

/** A mistake in an ad hoc play, told where the person wrote it. */
export function tellAdhoc(thrown: unknown, play: AdhocPlay, path: string): unknown {
  if (thrown instanceof HsmfleetErrors) return new HsmfleetErrors(thrown.errors.map((error) => placed(error, play, path)));
  return thrown instanceof HsmfleetError ? placed(thrown, play, path) : thrown;
}

function placed(error: HsmfleetError, { written }: AdhocPlay, path: string): HsmfleetError {
  const { position } = error;
  if (position === undefined || position.file !== path) return error;
  const inside = written !== undefined && position.line >= written.line;
  return new HsmfleetError(error.code, error.message, {
    hint: error.hint, host: error.host, details: error.details, cause: error,
    ...(inside ? { position: { file: written.file, line: position.line - written.line + 1, column: Math.max(1, position.column - written.indent) }, excerpt: error.excerpt?.slice(written.indent) } : {}),
  });
}
