import { HsmfleetError, toErrorShape, type ErrorShape, type NssDatabaseRow, type NssFileRow, type NssModuleRow } from '@hsmfleet/contract';
import { databaseDirectory, databaseKind, isWritableIntruder, parsePkcs11Txt, type NssModuleEntry } from '@hsmfleet/nss';
import { formatMode, type ReadHost } from '@hsmfleet/resource';
import type { Access } from './access.ts';

/** Where distributions and guides keep the web server's database (field notes 4). */
const WELL_KNOWN = ['/etc/apache2/nssdb', '/etc/apache2/nss', '/etc/httpd/alias', '/etc/httpd/nssdb', '/etc/httpd/conf/nssdb', '/etc/pki/nssdb', '/etc/nss'];

/** What the system adds to every NSS program, on Fedora and RHEL (field notes 2.7). */
const SYSTEM_POLICY = '/etc/crypto-policies/back-ends/nss.config';

/** Files of databases of both kinds. */
const DATABASE_FILES: ReadonlySet<string> = new Set(['cert9.db', 'key4.db', 'pkcs11.txt', 'cert8.db', 'key3.db', 'secmod.db']);

/**
 * Reads NSS databases from their files: no NSS tool runs, since those load and finalize modules (field notes 0b).
 * @param asked directories that the playbook or Apache's configuration names: that they are missing is an error
 * @param discover also look at well-known places
 */
export async function readNssDatabases(host: ReadHost, asked: readonly string[], discover: boolean): Promise<{ rows: NssDatabaseRow[]; errors: ErrorShape[] }> {
  const rows: NssDatabaseRow[] = [];
  const errors: ErrorShape[] = [];
  const named = [...new Set(asked.map(directoryOf))];
  const policy = parsePkcs11Txt((await host.readText(SYSTEM_POLICY).catch(() => undefined)) ?? '').filter(({ library }) => library !== '');
  const found = discover ? (await wellKnown(host)).filter((path) => !named.includes(path)) : [];
  for (const path of [...named, ...found]) {
    try {
      const row = await readDatabase(host, path, policy);
      if (row !== undefined) rows.push(row);
      else if (named.includes(path)) errors.push(new HsmfleetError('TASK_FAILED', `${path} holds no NSS database`).toShape());
    } catch (thrown) {
      errors.push(toErrorShape(thrown, 'TASK_FAILED'));
    }
  }
  return { rows, errors };
}

/** The well-known directories and what lies right below them. */
async function wellKnown(host: ReadHost): Promise<string[]> {
  const paths: string[] = [];
  for (const path of WELL_KNOWN) {
    const names = await host.list(path);
    if (names !== undefined) paths.push(path, ...names.filter((name) => !name.includes('.')).map((name) => `${path}/${name}`));
  }
  return paths;
}

async function readDatabase(host: ReadHost, path: string, policy: readonly NssModuleEntry[]): Promise<NssDatabaseRow | undefined> {
  const names = await host.list(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOTDIR') return undefined;
    throw thrown;
  });
  const kind = databaseKind(names ?? []);
  const stat = kind === 'none' ? undefined : await host.stat(path);
  if (kind === 'none' || stat === undefined) return undefined;
  const entries = parsePkcs11Txt((await host.readText(`${path}/pkcs11.txt`)) ?? '');
  return {
    path,
    kind: kind === 'dbm' ? 'dbm' : 'sql',
    mode: formatMode(stat.mode),
    owner: stat.owner,
    group: stat.group,
    modules: [...entries.map((entry) => moduleRow(entry, 'database')), ...policy.map((entry) => moduleRow(entry, 'policy'))],
    files: await readFiles(host, path, names ?? []),
  };
}

/** Parameters are left out: some modules take a PIN in them. */
function moduleRow(entry: NssModuleEntry, source: 'database' | 'policy'): NssModuleRow {
  const { name, library, enabled, internal } = entry;
  return { name, library, enabled, internal, source, bypass: isWritableIntruder(entry) };
}

async function readFiles(host: ReadHost, path: string, names: readonly string[]): Promise<NssFileRow[]> {
  const rows: NssFileRow[] = [];
  for (const name of names.filter((entry) => DATABASE_FILES.has(entry))) {
    const stat = await host.stat(`${path}/${name}`);
    if (stat !== undefined) rows.push({ name, mode: formatMode(stat.mode), owner: stat.owner, group: stat.group, serverReadable: null });
  }
  return rows;
}

/** Files and directories of databases, to ask about. */
export function pathsOf(databases: readonly NssDatabaseRow[]): string[] {
  return databases.flatMap(({ path, files }) => [path, ...(files ?? []).map(({ name }) => `${path}/${name}`)]);
}

/** The rows with what the web server's user may read, and whether a site uses them. */
export function withAccess(databases: readonly NssDatabaseRow[], used: readonly string[], access: Access): NssDatabaseRow[] {
  const inUse = new Set(used.map(directoryOf));
  return databases.map((row) => ({
    ...row,
    used: inUse.has(row.path),
    serverReadable: access(row.path),
    files: (row.files ?? []).map((file) => ({ ...file, serverReadable: access(`${row.path}/${file.name}`) })),
  }));
}

/** The directory that a setting of Apache or of a playbook means. */
export function directoryOf(path: string): string {
  return databaseDirectory(path).replace(/^dbm:/, '').replace(/(?<=.)\/+$/, '');
}
