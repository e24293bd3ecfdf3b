import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { databaseDirectory, databaseKind, SQL_FILES, type NssDatabaseKind } from '@hsmfleet/nss';
import { defineResource, parseMode, type Attributes, type FileStat, type Step } from '@hsmfleet/resource';
import { NssDatabaseParams } from './schema.ts';

/** Two programs that change one database at a time lose updates (field notes 2.2): all NSS changes take this lock. */
export const NSS_LOCK = '/run/lock/hsmfleet-nss.lock';

interface Facts {
  kind: NssDatabaseKind;
  directory: AttributesSeen | null;
  files: Record<string, AttributesSeen>;
  webGroup: string;
  toolsInstalled: boolean;
}
type AttributesSeen = Pick<FileStat, 'mode' | 'owner' | 'group'>;

const CERTUTIL = '/usr/bin/certutil';

export const resource = defineResource<NssDatabaseParams, Facts>({
  name: 'nss_database',
  summary: 'An NSS certificate database (`sql:`) that the web server can read.',
  params: NssDatabaseParams,
  examples: [
    { title: 'A database with an empty password', yaml: 'nss_database:\n  path: /etc/nss/web\n' },
    { title: 'With a password and a tighter group', yaml: 'nss_database:\n  path: /etc/nss/web\n  password: "{{ nss_password }}"\n  group: tls\n' },
  ],

  async inspect(host, params) {
    const path = databaseDirectory(params.path);
    const names = (await host.list(path)) ?? [];
    const files: Record<string, AttributesSeen> = {};
    for (const name of SQL_FILES) {
      const stat = names.includes(name) ? await host.stat(`${path}/${name}`) : undefined;
      if (stat !== undefined) files[name] = seen(stat);
    }
    const directory = await host.stat(path);
    return {
      kind: databaseKind(names),
      directory: directory === undefined ? null : seen(directory),
      files,
      webGroup: host.facts.apache.group,
      toolsInstalled: (await host.stat(CERTUTIL)) !== undefined,
    };
  },

  plan(params, facts) {
    const path = databaseDirectory(params.path);
    const owner = params.owner ?? 'root';
    const group = params.group ?? facts.webGroup;
    const directoryWanted = { mode: parseMode(params.directory_mode ?? '0750'), owner, group };
    const filesWanted = { mode: parseMode(params.file_mode ?? '0640'), owner, group };
    if (facts.kind === 'dbm' || facts.kind === 'partial') {
      throw new HsmfleetError(
        'TASK_FAILED',
        facts.kind === 'dbm' ? `${path} holds a database of the old dbm kind` : `${path} holds only a part of a database`,
        { hint: 'name another directory, or move this one away; nothing was changed' },
      );
    }
    const steps: Step[] = [];
    if (facts.directory === null) steps.push({ kind: 'make_directory', path, ...directoryWanted });
    else if (differs(facts.directory, directoryWanted)) steps.push({ kind: 'set_attributes', path, ...directoryWanted });
    if (facts.kind === 'none') {
      if (!facts.toolsInstalled) {
        throw new HsmfleetError('TASK_FAILED', `${CERTUTIL} is missing, so no database can be made`, {
          hint: 'install the NSS tools first: package libnss3-tools on Debian, nss-tools on Fedora',
        });
      }
      // a file with one newline is an empty password; certutil -N must never meet an existing database (field notes 2.2)
      const password = params.password === undefined ? '' : params.password.reveal();
      steps.push({
        kind: 'run',
        argv: [CERTUTIL, '-N', '-d', `sql:${path}`, '-f', '{password}'],
        secretFiles: { password: new Secret(`${password}\n`, `the password of ${path}`) },
        timeoutMs: 30_000,
        maxOutput: 65_536,
        lock: NSS_LOCK,
        why: `make the NSS database sql:${path}`,
      });
    }
    for (const name of SQL_FILES) {
      const now = facts.files[name];
      if (now === undefined ? facts.kind === 'none' : differs(now, filesWanted)) {
        steps.push({ kind: 'set_attributes', path: `${path}/${name}`, ...filesWanted });
      }
    }
    return { steps };
  },
});

function seen(stat: FileStat): AttributesSeen {
  return { mode: stat.mode, owner: stat.owner, group: stat.group };
}

function differs(now: AttributesSeen, wanted: Required<Attributes>): boolean {
  return now.mode !== wanted.mode || now.owner !== wanted.owner || now.group !== wanted.group;
}
