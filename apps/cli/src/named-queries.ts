import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import { loadYaml, Problems, readBySchema, suggestion } from '@hsmfleet/yaml-source';
import { Type } from '@sinclair/typebox';

/** The queries that come with the program; the folder lies as far from the sources as from the built program. */
const SHIPPED = fileURLToPath(new URL('../../../playbooks/queries', import.meta.url));

/** What a query may be called: whatever is no name is SQL. */
const NAME = /^[a-z0-9][a-z0-9-]*$/;

/** A file `NAME.yml` with one query. */
const QueryFile = Type.Object(
  {
    description: Type.String({ minLength: 5, description: 'what it answers, in one line' }),
    sql: Type.String({ minLength: 1, description: 'one SELECT statement over the documented views, in words that SQLite and PostgreSQL both know' }),
  },
  { additionalProperties: false },
);

/** A query that has a name. */
export interface NamedQuery {
  name: string;
  description: string;
  sql: string;
}

/** Is this word the name of a query, rather than a statement? */
export function isQueryName(word: string): boolean {
  return NAME.test(word);
}

/**
 * The queries that come with the program, and over them those of folders, by name.
 * @throws HsmfleetError, HsmfleetErrors FILE_MISSING, PLAYBOOK_SYNTAX, QUERY_INVALID: every mistake, at its place
 */
export async function loadNamedQueries(folders: readonly string[] = []): Promise<NamedQuery[]> {
  const problems = new Problems();
  const queries = new Map<string, NamedQuery>();
  for (const folder of [SHIPPED, ...folders]) {
    if (!existsSync(folder)) throw new HsmfleetError('FILE_MISSING', `the folder of queries ${folder} does not exist`, { hint: 'it holds files NAME.yml with description: and sql:' });
    for (const file of (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort()) {
      const query = await readQuery(join(folder, file), problems);
      if (query !== undefined) queries.set(query.name, query);
    }
  }
  problems.throwIfAny();
  return [...queries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The query of that name.
 * @throws HsmfleetError USAGE with the nearest name; what {@link loadNamedQueries} throws
 */
export async function findNamedQuery(name: string, folders?: readonly string[]): Promise<NamedQuery> {
  const queries = await loadNamedQueries(folders);
  const found = queries.find((query) => query.name === name);
  if (found !== undefined) return found;
  const near = suggestion(name, queries.map((query) => query.name));
  throw new HsmfleetError('USAGE', `there is no query called "${name}"`, { hint: near ?? 'hsmfleet query --list shows them; a statement in SQL begins with select' });
}

async function readQuery(path: string, problems: Problems): Promise<NamedQuery | undefined> {
  const { name } = parse(path);
  if (!isQueryName(name)) {
    problems.add(new HsmfleetError('QUERY_INVALID', `the file ${path} cannot be a query: its name has more than small letters, digits and hyphens`));
    return undefined;
  }
  const { source, problems: found } = await loadYaml(path);
  const { value, problems: mistakes } = readBySchema(source, QueryFile, 'QUERY_INVALID', 'the query');
  problems.add(...(found.length > 0 ? found : mistakes));
  return value === undefined ? undefined : { name, description: value.description.trim(), sql: value.sql.trim() };
}
