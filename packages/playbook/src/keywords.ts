/** Keys of a play. */
export const PLAY_KEYS = [
  'name', 'hosts', 'vars', 'vars_files', 'vars_prompt', 'pre_tasks', 'tasks', 'post_tasks', 'handlers', 'serial', 'max_fail_percentage',
  'any_errors_fatal', 'tags', 'become', 'become_user', 'become_method', 'gather_facts', 'remote_user', 'port', 'connection',
] as const;

/** Keys of a task besides its resource. */
export const TASK_KEYS = [
  'name', 'when', 'loop', 'with_items', 'loop_control', 'register', 'notify', 'listen', 'tags', 'ignore_errors', 'changed_when', 'failed_when',
  'no_log', 'check_mode', 'vars', 'become', 'become_user', 'args',
] as const;

const ON_PLAY = 'is not supported on a task: write it on the play';

/** Keywords of Ansible for plays that are not supported, and what to do instead. */
export const UNSUPPORTED_PLAY_KEYS: Readonly<Record<string, string>> = {
  roles: 'roles are not supported yet: put the tasks into the play',
  import_playbook: 'import_playbook is not supported yet: give the playbooks to the command line one by one',
  strategy: 'hosts never wait for one another between tasks, as with the strategy "free": leave it out, or use serial for batches',
  environment: 'environment is not supported',
  module_defaults: 'module_defaults is not supported: write the parameters on the tasks',
  collections: 'collections is not supported: resources have short names, leave it out',
  order: 'order is not supported: hosts are taken in the order of the hosts files',
  ignore_errors: 'ignore_errors is not supported on a play: write it on the tasks',
  no_log: 'no_log is not supported on a play: write it on the tasks',
  check_mode: 'check_mode is not supported on a play: use --check, or write it on the tasks',
  gather_subset: 'gather_subset is not supported: gathering facts runs no programs and costs nothing',
  run_once: 'run_once is not supported',
  force_handlers: 'force_handlers is not supported',
};

/** Keywords and modules of Ansible for tasks that are not supported, and what to do instead. */
export const UNSUPPORTED_TASK_KEYS: Readonly<Record<string, string>> = {
  block: 'blocks are not supported yet: put the tasks into the play, with their own when',
  rescue: 'rescue is not supported yet: use register, ignore_errors and when',
  always: 'always is not supported yet: use ignore_errors on the tasks before',
  include_tasks: 'include_tasks is not supported yet: put the tasks into the play',
  import_tasks: 'import_tasks is not supported yet: put the tasks into the play',
  include_role: 'roles are not supported yet: put the tasks into the play',
  import_role: 'roles are not supported yet: put the tasks into the play',
  include_vars: 'include_vars is not supported: use vars_files on the play',
  include: 'include is not supported: put the tasks into the play',
  delegate_to: 'delegate_to is not supported: write a play for that host',
  local_action: 'local_action is not supported: write a play for localhost',
  action: 'action is not supported: use the resource as the key',
  run_once: 'run_once is not supported: write a play for one host, for example "web[0]"',
  until: 'until is not supported: use wait_for',
  retries: 'retries is not supported: use wait_for',
  delay: 'delay is not supported on a task: use wait_for',
  async: 'async is not supported: tasks may take their time',
  poll: 'poll is not supported: leave it out',
  environment: 'environment is not supported',
  throttle: 'throttle is not supported: use serial on the play',
  timeout: 'timeout is not supported on a task',
  diff: 'diff is not supported on a task: use --diff',
  any_errors_fatal: `any_errors_fatal ${ON_PLAY}`,
  remote_user: `remote_user ${ON_PLAY}`,
  connection: `connection ${ON_PLAY}`,
  become_method: `become_method ${ON_PLAY}`,
  module_defaults: 'module_defaults is not supported: write the parameters on the tasks',
  collections: 'collections is not supported: leave it out',
  meta: 'meta is not supported: handlers run at the end of the play',
  shell: 'shell is not supported: use command, whose arguments never pass through a shell',
  raw: 'raw is not supported: use command',
  script: 'script is not supported: copy the file, then use command',
  setup: 'setup is not needed: facts are always there',
  gather_facts: 'gather_facts is not needed on a task: facts are always there',
  apt: 'apt is not a resource: use package',
  yum: 'yum is not a resource: use package',
  dnf: 'dnf is not a resource: use package',
  pacman: 'pacman is not a resource: use package',
  systemd: 'systemd is not a resource: use service',
  systemd_service: 'systemd_service is not a resource: use service',
  blockinfile: 'blockinfile is not a resource: use template or lineinfile',
  fetch: 'fetch is not a resource',
  get_url: 'get_url is not a resource: copy a file of the control host',
  unarchive: 'unarchive is not a resource',
  synchronize: 'synchronize is not a resource: use copy',
  pause: 'pause is not supported: use wait_for',
};

/** `ansible.builtin.copy` and `ansible.legacy.copy` are `copy`. */
export function shortName(key: string): string {
  return key.replace(/^ansible\.(?:builtin|legacy)\./, '');
}
