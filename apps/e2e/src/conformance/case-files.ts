import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A small playbook that Ansible and this program are to run alike. */
export interface ConformanceCase {
  name: string;
  /** What it is about, in one sentence. */
  title: string;
  /** Further words of the command line. */
  args: string[];
  /** Set where the two differ on purpose: the reason, as docs/reference/differences-from-ansible.md gives it. */
  differs: string | undefined;
  /** It only may differ, going by which host is faster. */
  racing: boolean;
  /** Texts of its files by path; `site.yml` is the playbook. */
  files: Record<string, string>;
}

/**
 * Cases are text files: `# ` lines (the title, `args: …`, `differs: …` or `may differ: …`), then each file of the playbook after a line
 * `-- PATH`.
 */
export function readCases(folder: string): ConformanceCase[] {
  return readdirSync(folder).filter((name) => name.endsWith('.txt')).sort().map((name) => readCase(name.slice(0, -4), readFileSync(join(folder, name), 'utf8')));
}

function readCase(name: string, text: string): ConformanceCase {
  const [head = '', ...parts] = text.split(/^-- /m);
  const lines = head.split('\n').flatMap((line) => (line.startsWith('# ') ? [line.slice(2)] : []));
  const setting = (key: string): string | undefined => lines.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
  const files = parts.map((part) => {
    const end = part.indexOf('\n');
    return [part.slice(0, end).trim(), part.slice(end + 1)] as const;
  });
  return {
    name,
    title: lines.find((line) => !/^(?:args|(?:may )?differs?): /.test(line)) ?? name,
    args: setting('args')?.split(' ') ?? [],
    differs: setting('differs') ?? setting('may differ'),
    racing: setting('may differ') !== undefined,
    files: Object.fromEntries(files),
  };
}

/** Writes the files of a case into a folder, with its hosts file. */
export function unpackCase({ files }: ConformanceCase, folder: string, hosts: string): void {
  for (const [name, text] of Object.entries({ ...files, 'hosts.yml': hosts })) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/**
 * The hosts of every case: `one` and `two` in group `web`, `three` in group `db`, both groups in `servers`.
 * @param variables how to reach each host
 */
export function hostsOf(name: string, variables: (host: string) => Record<string, unknown>): string {
  const host = (each: string): Record<string, unknown> => ({ [each]: variables(each) });
  return JSON.stringify({
    all: {
      vars: { box: `/tmp/hsmfleet-conformance/${name}/{{ inventory_hostname }}` },
      children: { servers: { children: { web: { hosts: { ...host('one'), ...host('two') } }, db: { hosts: host('three') } } } },
    },
  }, null, 2);
}
