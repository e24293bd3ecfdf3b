import { readFileSync } from 'node:fs';

interface Account {
  name: string;
  id: number;
  /** Primary group and home; users only. */
  gid: number;
  home: string;
}

/** A user as /etc/passwd (or a name service) has it. */
export type User = Account;

/** Names and numbers of users and groups. Reads the files once; asks `getent` only for what they do not hold. */
export interface Accounts {
  user(nameOrId: string): Promise<User | undefined>;
  groupId(nameOrId: string): Promise<number | undefined>;
  /** The user's name, or the number as text. */
  userName(uid: number): Promise<string>;
  groupName(gid: number): Promise<string>;
  /** Forgets what was read: something may have added an account. */
  forget(): void;
}

/** Answers one line of a database of the name service (`passwd`, `group`), or nothing. */
export type NameService = (database: 'passwd' | 'group', key: string) => Promise<string | undefined>;

/** @param paths other files than /etc/passwd and /etc/group, for tests */
export function createAccounts(
  askNameService: NameService,
  paths: Record<'passwd' | 'group', string> = { passwd: '/etc/passwd', group: '/etc/group' },
): Accounts {
  const tables = new Map<string, Account[]>();
  const asked = new Map<string, Promise<Account | undefined>>();

  async function find(database: 'passwd' | 'group', key: string, ask: boolean): Promise<Account | undefined> {
    let table = tables.get(database);
    if (table === undefined) {
      table = readTable(paths[database]);
      tables.set(database, table);
    }
    const id = /^\d+$/.test(key) ? Number(key) : undefined;
    const found = table.find((account) => (id === undefined ? account.name === key : account.id === id));
    if (found !== undefined || !ask) return found;
    const question = `${database}\0${key}`;
    let answer = asked.get(question);
    if (answer === undefined) {
      answer = askNameService(database, key).then((line) => (line === undefined ? undefined : parseAccount(line)));
      asked.set(question, answer);
    }
    return answer;
  }

  return {
    user: (nameOrId) => find('passwd', nameOrId, true),
    async groupId(nameOrId) {
      if (/^\d+$/.test(nameOrId)) return Number(nameOrId);
      return (await find('group', nameOrId, true))?.id;
    },
    async userName(uid) {
      return (await find('passwd', String(uid), true))?.name ?? String(uid);
    },
    async groupName(gid) {
      return (await find('group', String(gid), true))?.name ?? String(gid);
    },
    forget() {
      tables.clear();
      asked.clear();
    },
  };
}

/** The accounts of a file; none where it cannot be read. */
function readTable(path: string): Account[] {
  try {
    return readFileSync(path, 'utf8').split('\n').flatMap((line) => parseAccount(line) ?? []);
  } catch {
    return [];
  }
}

/** One line of passwd(5) or group(5): both begin with name, password and number. */
function parseAccount(line: string): Account | undefined {
  const fields = line.split(':');
  const [name, , id, gid] = fields;
  if (name === undefined || name === '' || id === undefined || !/^\d+$/.test(id)) return undefined;
  return { name, id: Number(id), gid: gid !== undefined && /^\d+$/.test(gid) ? Number(gid) : Number(id), home: fields[5] ?? '/' };
}
