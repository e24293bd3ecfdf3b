/** Keys of a play. */
export const PLAY_KEYS = [
  'name', 'hosts', 'vars', 'vars_files', 'vars_prompt', 'pre_tasks', 'roles', 'tasks', 'post_tasks', 'handlers', 'serial', 'max_fail_percentage',
  'any_errors_fatal', 'serial_pause', 'rollback_batch', 'tags', 'become', 'become_user', 'become_method', 'gather_facts', 'remote_user', 'port', 'connection', 'order', 'strategy',
  'environment', 'force_handlers', 'ignore_errors', 'ignore_unreachable', 'no_log', 'check_mode', 'diff', 'run_once', 'module_defaults',
] as const;

/** Keys that tasks, blocks, roles and plays have in common, and that are handed down. */
export const INHERITED_KEYS: readonly string[] = [
  'ignore_errors', 'ignore_unreachable', 'no_log', 'check_mode', 'diff', 'environment', 'run_once', 'delegate_to', 'delegate_facts', 'any_errors_fatal',
  'become', 'become_user', 'module_defaults',
];

/** Keys of a task besides its resource and its loop. */
export const TASK_KEYS: readonly string[] = [
  'name', 'when', 'loop_control', 'register', 'notify', 'listen', 'tags', 'changed_when', 'failed_when', 'vars', 'args', 'until', 'retries', 'delay', 'timeout',
  ...INHERITED_KEYS,
];

/** Keys of a block. */
export const BLOCK_KEYS: readonly string[] = ['name', 'block', 'rescue', 'always', 'when', 'tags', 'vars', 'notify', ...INHERITED_KEYS];

/** Keys of `import_tasks` and `import_role` besides themselves. */
export const IMPORT_KEYS: readonly string[] = ['name', 'when', 'tags', 'vars', 'args', 'notify', ...INHERITED_KEYS];

/** Keys of `include_tasks`, `include_role` and `include_vars` besides themselves and their loop: they are the include's own. */
export const INCLUDE_KEYS: readonly string[] = ['name', 'when', 'tags', 'vars', 'args', 'loop_control', 'register', 'ignore_errors', 'no_log', 'run_once'];

/** Keys of an entry of `roles` and `dependencies`; all others are the role's parameters. */
export const ROLE_KEYS: readonly string[] = ['role', 'name', 'when', 'tags', 'vars', 'tasks_from', 'vars_from', 'defaults_from', 'handlers_from', ...INHERITED_KEYS];

const ON_PLAY = 'is not supported on a task: write it on the play';
const NO_SHELL = 'use command, whose arguments never pass through a shell';

/** Keywords of Ansible for plays that are not supported, and what to do instead. */
export const UNSUPPORTED_PLAY_KEYS: Readonly<Record<string, string>> = {
  collections: 'collections is not supported: resources have short names, leave it out',
  gather_subset: 'gather_subset is not supported: gathering facts runs no programs and costs nothing',
  gather_timeout: 'gather_timeout is not supported: gathering facts runs no programs and costs nothing',
  fact_path: 'fact_path is not supported: there are no local facts',
  become_flags: 'become_flags is not supported: sudo is called as it has to be',
  become_exe: 'become_exe is not supported: sudo is looked for on the path',
  throttle: 'throttle is not supported: use serial',
  timeout: 'timeout is not supported on a play: write it on the tasks',
  debugger: 'debugger is not supported: look with --check --diff, and with -vv',
  when: 'when is not a key of a play: write it on a block around its tasks, or choose hosts with "hosts:"',
};

/** Keywords and modules of Ansible for tasks that are not supported, and what to do instead. */
export const UNSUPPORTED_TASK_KEYS: Readonly<Record<string, string>> = {
  include: 'include is not supported: use include_tasks, or import_tasks',
  import_playbook: 'import_playbook is no task: write it beside the plays',
  roles: 'roles is a key of a play: use include_role among tasks',
  async: 'async is not supported: tasks may take their time, nothing waits for them but their host',
  poll: 'poll is not supported: leave it out, nothing waits for a task but its host',
  throttle: 'throttle is not supported: use serial on the play',
  debugger: 'debugger is not supported: look with --check --diff, and with -vv',
  remote_user: `remote_user ${ON_PLAY}`,
  port: `port ${ON_PLAY}`,
  connection: `connection ${ON_PLAY}`,
  become_method: `become_method ${ON_PLAY}`,
  become_flags: 'become_flags is not supported: sudo is called as it has to be',
  become_exe: 'become_exe is not supported: sudo is looked for on the path',
  collections: 'collections is not supported: resources have short names, leave it out',
  shell: `shell is not supported: ${NO_SHELL}`,
  raw: `raw is not supported: ${NO_SHELL}`,
  expect: 'expect is not supported: use command with a program that asks nothing',
  script: 'script is not supported: copy the file, then use command',
  setup: 'setup is not needed: facts are always there',
  gather_facts: 'gather_facts is not needed on a task: facts are always there',
  ping: 'ping is not needed: a play that reaches its hosts has shown that they answer',
  wait_for_connection: 'wait_for_connection is not supported: hosts are connected before their first task; write a play of its own',
  reboot: 'reboot is not supported: use command, and a play of its own for what comes after',
  validate_argument_spec: 'validate_argument_spec is not supported: use assert',
  add_host: 'add_host is not supported: hosts are known before the run starts; use an executable hosts file',
  group_by: 'group_by is not supported: hosts are known before the run starts; use when with facts',
  set_stats: 'set_stats is not supported: use set_fact',
  apt: 'apt is not a resource: use package',
  apt_key: 'apt_key is not a resource: use copy into /etc/apt/keyrings',
  apt_repository: 'apt_repository is not a resource: use copy or template into /etc/apt/sources.list.d',
  yum: 'yum is not a resource: use package',
  yum_repository: 'yum_repository is not a resource: use copy or template into /etc/yum.repos.d',
  dnf: 'dnf is not a resource: use package',
  pacman: 'pacman is not a resource: use package',
  systemd: 'systemd is not a resource: use service',
  systemd_service: 'systemd_service is not a resource: use service',
  blockinfile: 'blockinfile is not a resource: use template or lineinfile',
  replace: 'replace is not a resource: use lineinfile or template',
  assemble: 'assemble is not a resource: use template with a loop over the parts',
  tempfile: 'tempfile is not a resource: use file with a path of your own',
  find: 'find is not a resource: use command with register',
  slurp: 'slurp is not a resource: use command with register',
  fetch: 'fetch is not a resource: use command with register',
  get_url: 'get_url is not a resource: copy a file of the control host',
  uri: 'uri is not a resource: use wait_for, or command',
  git: 'git is not a resource: use command',
  user: 'user is not a resource: use command with creates',
  group: 'group is not a resource: use command with creates',
  cron: 'cron is not a resource: use copy into /etc/cron.d',
  hostname: 'hostname is not a resource: use command',
  unarchive: 'unarchive is not a resource: use command with creates',
  synchronize: 'synchronize is not a resource: use copy',
  pause: 'pause is not supported: write serial_pause on the play to wait or to ask between batches, or use wait_for',
};

/** `ansible.builtin.copy` and `ansible.legacy.copy` are `copy`. */
export function shortName(key: string): string {
  return key.replace(/^ansible\.(?:builtin|legacy)\./, '');
}
