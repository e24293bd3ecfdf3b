import { NotifySinks } from '@hsmfleet/notify';
import { UserRecord } from '@hsmfleet/web-api';
import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false };
const Text = (description: string) => Type.String({ minLength: 1, description });
const Duration = (description: string) => Type.String({ pattern: '^[0-9]+(ms|s|m|h|d)$', description: `${description}; a number with ms, s, m, h or d, for example 90s` });
const HostsFiles = Type.Array(Text('path, relative to this file'), { minItems: 1, description: 'hosts files, as for -i' });

/** How hosts are reached; the same as the options of `hsmfleet check`. */
const Reach = {
  hosts: Type.Optional(HostsFiles),
  forks: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'hosts worked on at once; 64 when absent' })),
  user: Type.Optional(Text('log in as this user where ansible_user does not say otherwise')),
  private_key: Type.Optional(Text('log in with this key where ansible_ssh_private_key_file does not say otherwise; relative to this file')),
  become: Type.Optional(Type.Boolean({ description: 'act as root through sudo' })),
  vault_password_files: Type.Optional(Type.Array(Text('file with a password of Ansible Vault, relative to this file'), { minItems: 1 })),
};

const ScheduleEntry = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: 'unique; checks of one schedule are compared with one another' }),
    cron: Text('when: minute, hour, day of month, month, day of week, with seconds before them when there are six; or @daily, …'),
    timezone: Type.Optional(Text('of these times, as the IANA database names it: Europe/Berlin; UTC when absent')),
    jitter: Type.Optional(Duration('begins later by chance, by this much at most')),
    profile: Type.Optional(Text('profile to check, relative to this file')),
    playbook: Type.Optional(Text('playbook to run in check mode instead, relative to this file')),
    pattern: Type.Optional(Text('which hosts; all when absent')),
    evidence: Type.Optional(Type.Union([Type.Literal('live'), Type.Literal('snapshot')], { description: 'live reads the hosts; snapshot judges what the store knows and touches no host; live when absent' })),
    timeout: Type.Optional(Duration('it is told to stop after this time; 1h when absent')),
    variables: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { description: 'values of parameters and variables, as for -e; no secrets' })),
    notify: Type.Optional(Type.Array(Text('name of a sink'), { description: 'sinks that are told of changes; all when absent' })),
    ...Reach,
  },
  strict,
);

/** The file of the server, as people write it. */
export const ServeFile = Type.Object(
  {
    listen: Type.Optional(Type.String({
      pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$',
      description: 'address and port of dashboard, API and metrics; 127.0.0.1:8443 when absent. Beyond this machine it takes tls',
    })),
    tls: Type.Optional(Type.Object({ cert: Text('file with the certificate and those between, PEM; relative to this file'), key: Text('file with its private key, PEM; relative to this file') }, strict)),
    origins: Type.Optional(Type.Array(Text('https://fleet.example.org'), { description: 'further origins under which browsers reach the server, such as that of a proxy before it' })),
    users: Type.Optional(Type.Array(UserRecord, { description: 'who may come in; `hsmfleet serve-token NAME` makes an entry. Without users there is no dashboard and no API' })),
    store: Type.Optional(Text('file of the store, relative to this file; that of every command when absent (HSMFLEET_DATABASE_URL, or below XDG_STATE_HOME)')),
    workers: Type.Optional(Type.Object(
      { project: Text('folder that every worker has a copy of, with profiles, playbooks and hosts files in it; relative to this file') },
      { ...strict, description: 'have workers reach the hosts, see `hsmfleet worker`; the store has to be in PostgreSQL' },
    )),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'schedules that run at once, 4 when absent; those with a host in common never do' })),
    stop_after: Type.Optional(Duration('how long running checks may go on when the server is told to end, before hosts are told to stop after their current task; 20s when absent')),
    ...Reach,
    notify: Type.Optional(NotifySinks),
    schedules: Type.Array(ScheduleEntry, { description: 'what is checked when' }),
  },
  { ...strict, title: 'the file of hsmfleet serve' },
);
export type ServeFile = Static<typeof ServeFile>;
export type ScheduleEntry = Static<typeof ScheduleEntry>;

/** JSON Schema of the file, for editors. A secret is written `!secret file:PATH`. */
export function serveSchema(): unknown {
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...ServeFile };
}
