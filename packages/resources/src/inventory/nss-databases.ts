import { HsmfleetError, toErrorShape, type ErrorShape, type NssDatabaseRow } from '@hsmfleet/contract';
import { databaseDirectory, databaseKind, parsePkcs11Txt } from '@hsmfleet/nss';
import { formatMode, type ReadHost } from '@hsmfleet/resource';

/** Where distributions and guides keep the web server's database (field notes 4). */
const WELL_KNOWN = ['/etc/apache2/nssdb', '/etc/apache2/nss', '/etc/httpd/alias', '/etc/httpd/nssdb', '/etc/httpd/conf/nssdb', '/etc/pki/nssdb', '/etc/nss'];

/**
 * Reads NSS databases from their files: no NSS tool runs, since those load and finalize modules (field notes 0b).
 * @param asked directories that the playbook or Apache's configuration names: that they are missing is an error
 * @param discover also look at well-known places
 */
export async function readNssDatabases(host: ReadHost, asked: readonly string[], discover: boolean): Promise<{ rows: NssDatabaseRow[]; errors: ErrorShape[] }> {
  const rows: NssDatabaseRow[] = [];
  const errors: ErrorShape[] = [];
  const named = [...new Set(asked.map((path) => databaseDirectory(path).replace(/^dbm:/, '').replace(/(?<=.)\/+$/, '')))];
  const found = discover ? (await wellKnown(host)).filter((path) => !named.includes(path)) : [];
  for (const path of [...named, ...found]) {
    try {
      const row = await readDatabase(host, path);
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

async function readDatabase(host: ReadHost, path: string): Promise<NssDatabaseRow | undefined> {
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
    // parameters are left out: some modules take a PIN in them
    modules: entries.map(({ name, library, enabled }) => ({ name, library, enabled })),
  };
}
