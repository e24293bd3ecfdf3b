/** Kind of an NSS database directory, from the names of its files (field notes 2.1). */
export type NssDatabaseKind = 'sql' | 'dbm' | 'none' | 'partial';

/** `partial`: some files of an sql database are there and others are missing, so no tool should touch it blindly. */
export function databaseKind(names: readonly string[], prefix = ''): NssDatabaseKind {
  const has = (name: string): boolean => names.includes(name);
  const cert9 = has(`${prefix}cert9.db`);
  const key4 = has(`${prefix}key4.db`);
  if (cert9 && key4) return 'sql';
  if (cert9 || key4) return 'partial';
  return has(`${prefix}cert8.db`) || has(`${prefix}key3.db`) ? 'dbm' : 'none';
}

/** Files of an sql database; `pkcs11.txt` never takes the prefix. */
export const SQL_FILES = ['cert9.db', 'key4.db', 'pkcs11.txt'] as const;

/** `sql:/dir` and `/dir` name the same directory for us: only sql databases are made. */
export function databaseDirectory(path: string): string {
  return path.startsWith('sql:') ? path.slice('sql:'.length) : path;
}
