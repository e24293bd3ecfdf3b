import type { AnyResource } from '@hsmfleet/resource';
import { Type, type TSchema } from '@sinclair/typebox';

const Template = (description: string) => Type.String({ description });
const TextOrList = (description: string) => Type.Union([Type.String(), Type.Array(Type.String())], { description });
const Conditions = (description: string) =>
  Type.Union([Type.String(), Type.Boolean(), Type.Array(Type.Union([Type.String(), Type.Boolean()]))], { description });
const Flag = (description: string) => Type.Union([Type.Boolean(), Type.String({ pattern: '\\{\\{' })], { description });
const Variables = (description: string) => Type.Record(Type.String({ pattern: '^[A-Za-z_]\\w*$' }), Type.Unknown(), { description });
const BatchSize = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*%?$' })]);

/** Keys that plays, roles, blocks and tasks have in common. */
const inheritedProperties = (): Record<string, TSchema> => ({
  ignore_errors: Flag('go on after a failure'),
  ignore_unreachable: Flag('go on when the host that a task is delegated to cannot be reached'),
  no_log: Flag('keep results out of events, logs and the store'),
  check_mode: Flag('true: only check, also in a real run; false: run also under --check'),
  diff: Flag('show how files change'),
  environment: Type.Union([Type.String({ pattern: '\\{\\{' }), Type.Record(Type.String(), Type.Unknown()), Type.Array(Type.Unknown())], { description: 'environment variables of the programs that run' }),
  run_once: Flag('one host of the batch runs it for all'),
  any_errors_fatal: Flag('the first failure ends the play for all hosts'),
  become: Flag('run as another user; a whole play runs as one user'),
  become_user: Type.String({ description: 'root by default' }),
  module_defaults: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), { description: 'parameters by resource, where tasks do not give them' }),
});

const delegation = (): Record<string, TSchema> => ({
  delegate_to: Template('the host that does it in place of this one'),
  delegate_facts: Flag('facts belong to the host that does it'),
});

/** Keys of everything that stands in a list of tasks. */
const stepProperties = (): Record<string, TSchema> => ({
  name: Template('what people read when it runs'),
  when: Conditions('expressions without braces; all must hold'),
  tags: TextOrList('names for --tags and --skip-tags; always and never are special'),
  vars: Variables('variables for it, and for what is in it'),
});

const Items = (description: string) => Type.Union([Type.String(), Type.Array(Type.Unknown()), Type.Record(Type.String(), Type.Unknown())], { description });

/** Loops, and what belongs to them. */
const loopProperties = (): Record<string, TSchema> => ({
  loop: Type.Union([Type.String(), Type.Array(Type.Unknown())], { description: 'the task runs once per element, which is called item' }),
  with_items: Items('older spelling of loop; lists inside are flattened once'),
  with_list: Items('older spelling of loop'),
  with_dict: Items('once per key of a mapping: item.key, item.value'),
  with_fileglob: Items('once per file of the control host that fits'),
  with_sequence: Items('once per number: start=1 end=5 stride=1 format=%d'),
  with_together: Items('once per element of several lists, side by side'),
  with_nested: Items('once per combination of the elements of several lists'),
  with_cartesian: Items('as with_nested'),
  with_subelements: Items('once per element of a list inside each element of a list'),
  with_indexed_items: Items('once per element: item.0 is its number'),
  loop_control: Type.Object(
    {
      loop_var: Type.Optional(Type.String({ description: 'name of the element instead of item' })),
      index_var: Type.Optional(Type.String({ description: "variable with the element's number, from 0" })),
      label: Type.Optional(Type.Unknown({ description: 'what is shown in place of the element' })),
      pause: Type.Optional(Type.Unknown({ description: 'seconds between two elements' })),
      extended: Type.Optional(Type.Boolean({ description: 'gives ansible_loop' })),
      extended_allitems: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  register: Type.String({ pattern: '^[A-Za-z_]\\w*$', description: 'variable that gets the result' }),
});

/** Keys of a task besides its resource. */
const taskProperties = (): Record<string, TSchema> => ({
  ...stepProperties(), ...loopProperties(), ...inheritedProperties(), ...delegation(),
  notify: TextOrList('handlers that run at the end of the section when this changes something'),
  changed_when: Conditions('when the task counts as changed'),
  failed_when: Conditions('when the task counts as failed'),
  until: Conditions('the task is tried again until these hold'),
  retries: Type.Unknown({ description: 'tries after the first one; 3 by default' }),
  delay: Type.Unknown({ description: 'seconds between two tries; 5 by default' }),
  timeout: Type.Unknown({ description: 'seconds after which the task fails' }),
  args: Type.Record(Type.String(), Type.Unknown(), { description: 'further parameters beside a free form' }),
});

const strict = { additionalProperties: false };
const optional = (properties: Record<string, TSchema>): Record<string, TSchema> => Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, Type.Optional(schema)]));

/** `include_tasks` and the like: one schema for each, since each has keys of its own. */
function includeSchemas(): TSchema[] {
  const file = (more: Record<string, TSchema> = {}) => Type.Union([Type.String(), Type.Object({ file: Type.String(), ...optional(more) }, strict)], { description: 'a file of tasks' });
  const parts = optional({
    tasks_from: Template('file of tasks instead of main'), vars_from: Template('file of variables instead of main'), defaults_from: Template('file of defaults instead of main'),
    handlers_from: Template('file of handlers instead of main'), allow_duplicates: Flag('run the role again; true by default'), public: Flag('the rest of the play sees its variables'), rolespec_validate: Flag('taken for compatibility'),
  });
  const apply = Type.Object(optional({ when: Conditions('for the tasks in it'), tags: TextOrList('of the tasks in it'), vars: Variables('of the tasks in it'), ...inheritedProperties(), ...delegation() }), { ...strict, description: 'keywords for the tasks that are included' });
  const dynamic = { ...stepProperties(), ...loopProperties(), ignore_errors: Flag('go on after a failure'), no_log: Flag('keep it out of logs'), run_once: Flag('one host decides for all'), args: Type.Record(Type.String(), Type.Unknown()), listen: TextOrList('handlers only') };
  const fixed = { ...stepProperties(), ...inheritedProperties(), ...delegation(), notify: TextOrList('handlers'), args: Type.Record(Type.String(), Type.Unknown()), listen: TextOrList('handlers only') };
  const role = (more: Record<string, TSchema> = {}) => Type.Union([Type.Object({ name: Type.String(), ...parts, ...optional(more) }, strict), Type.String({ pattern: '=' })], { description: 'a role' });
  const values = Type.Union([Type.String(), Type.Object(optional({ file: Type.String(), dir: Type.String(), name: Type.String({ description: 'variable that gets all of them' }), extensions: TextOrList('endings of files in the folder') }), strict)], { description: 'a file, or a folder, of variables' });
  const kinds: [string, TSchema, Record<string, TSchema>][] = [
    ['import_tasks', file(), fixed], ['include_tasks', file({ apply }), dynamic], ['import_role', role(), fixed], ['include_role', role({ apply }), dynamic], ['include_vars', values, dynamic],
    ['meta', Type.Union(['flush_handlers', 'end_host', 'end_play', 'end_batch', 'clear_facts', 'clear_host_errors', 'noop'].map((name) => Type.Literal(name))), stepProperties()],
  ];
  return kinds.flatMap(([name, schema, keys]) => [name, `ansible.builtin.${name}`].map((key) => Type.Object({ [key]: schema, ...optional(keys) }, strict)));
}

/** One of the resources with its parameters; a template may stand wherever a parameter is. */
function resourceProperty(resource: AnyResource): TSchema {
  const forms: TSchema[] = [templated(resource.params)];
  if (resource.freeFormParam !== undefined) forms.push(Type.String({ description: 'free form' }));
  else forms.push(Type.String({ pattern: '=', description: 'name=value pairs' }));
  return Type.Union(forms, { description: resource.summary });
}

/** A parameters schema in which every parameter may be a template instead. */
function templated(params: AnyResource['params']): TSchema {
  const { properties } = params;
  const open = Object.entries(properties).map(([name, schema]): [string, TSchema] => [
    name,
    Type.Unsafe({ anyOf: [schema, { type: 'string', pattern: '\\{\\{' }], ...(schema.description === undefined ? {} : { description: schema.description }) }),
  ]);
  return Type.Unsafe({ ...params, properties: Object.fromEntries(open) });
}

/**
 * JSON Schema of a playbook, for editors, from the schemas of the resources. The compiler checks more than it can say:
 * names of variables, files, hosts and handlers.
 */
export function playbookSchema(resources: ReadonlyMap<string, AnyResource>): object {
  const names = [...resources.keys()].sort();
  const byName = Object.fromEntries(names.flatMap((name) => {
    const property = resourceProperty(resources.get(name) as AnyResource);
    return [[name, property], [`ansible.builtin.${name}`, Type.Ref(`#/definitions/task/properties/${name}`)]];
  }));
  const oneResource = { oneOf: [...names.map((name) => ({ anyOf: [{ required: [name] }, { required: [`ansible.builtin.${name}`] }] })), { required: ['action'] }, { required: ['local_action'] }] };
  const action = Type.Union([Type.String(), Type.Object({ module: Type.String() })], { description: 'a resource with its parameters, in the older spelling' });
  const task = { type: 'object', properties: { ...taskProperties(), action, local_action: action, ...byName }, additionalProperties: false, ...oneResource };
  const handler = { ...task, properties: { ...task.properties, listen: TextOrList('further names that notify may use') } };
  const includes = includeSchemas();
  const steps = Type.Array(Type.Ref('#/definitions/step'));
  const block = Type.Object({ block: steps, ...optional({ rescue: steps, always: steps, notify: TextOrList('handlers'), ...stepProperties(), ...inheritedProperties(), ...delegation() }) }, strict);
  const step = { anyOf: [{ $ref: '#/definitions/task' }, { $ref: '#/definitions/block' }, { $ref: '#/definitions/include' }] };
  const tasks = (description: string) => Type.Array(Type.Ref('#/definitions/step'), { description });
  const role = Type.Union([Type.String(), Type.Object(optional({ role: Type.String(), name: Type.String(), ...stepProperties(), ...inheritedProperties(), ...delegation() }), { additionalProperties: true })]);
  const play = Type.Object(
    {
      hosts: TextOrList('pattern: groups and hosts, for example "web:&prod:!old"'),
      name: Type.Optional(Type.String({ description: 'what people read' })),
      vars: Type.Optional(Variables('variables of the play')),
      vars_files: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([Type.String(), Type.Array(Type.String())]))], { description: 'YAML files with variables, relative to the playbook; of an inner list the first that exists' })),
      vars_prompt: Type.Optional(Type.Array(Type.Object(
        { name: Type.String(), prompt: Type.Optional(Type.String()), private: Type.Optional(Type.Boolean()), confirm: Type.Optional(Type.Boolean()), unsafe: Type.Optional(Type.Boolean()), default: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ), { description: 'variables to ask for; secrets unless private is false' })),
      pre_tasks: Type.Optional(tasks('run before tasks')),
      tasks: Type.Optional(tasks('run in order')),
      post_tasks: Type.Optional(tasks('run after tasks')),
      roles: Type.Optional(Type.Array(role, { description: 'roles, run before tasks; keys that are no keywords are parameters' })),
      handlers: Type.Optional(Type.Array(Type.Unsafe({ anyOf: [{ $ref: '#/definitions/handler' }, { $ref: '#/definitions/include' }] }), { description: 'run at the end of a section, when notified' })),
      force_handlers: Type.Optional(Flag('handlers that were notified run even when a task failed')),
      order: Type.Optional(Type.Union(['inventory', 'reverse_inventory', 'sorted', 'reverse_sorted', 'shuffle'].map((name) => Type.Literal(name)), { description: 'order of the hosts' })),
      strategy: Type.Optional(Type.Literal('free')),
      serial: Type.Optional(Type.Union([BatchSize, Type.Array(BatchSize), Type.String({ pattern: '\\{\\{' })], { description: 'hosts per batch: a number, a percentage, or a list of them' })),
      max_fail_percentage: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: 100 }), Type.String()], { description: 'per cent of a batch that may fail' })),
      serial_pause: Type.Optional(Type.Object(
        {
          seconds: Type.Optional(Type.Number({ minimum: 0 })), minutes: Type.Optional(Type.Number({ minimum: 0 })),
          prompt: Type.Optional(Type.String({ description: 'what a person is asked; the run ends when the answer is no' })),
          after: Type.Optional(Type.Union([Type.Literal('first'), Type.Literal('each')], { description: 'after the first batch only, or after each; each by default' })),
        },
        { additionalProperties: false, description: 'wait, or ask, between batches of serial' },
      )),
      rollback_batch: Type.Optional(Type.Union([Type.Boolean(), Type.Literal('any'), Type.Literal('proof')], { description: 'put web changes of a batch back when a site of it does not serve (true, proof), or a host of it fails for any reason (any)' })),
      tags: Type.Optional(TextOrList('tags of all tasks of the play')),
      ...optional(inheritedProperties()),
      become_method: Type.Optional(Type.Literal('sudo')),
      gather_facts: Type.Optional(Flag('report facts; true by default. They can be used either way')),
      remote_user: Type.Optional(Type.String({ description: 'user to log in as' })),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
      connection: Type.Optional(Type.Union([Type.Literal('ssh'), Type.Literal('local')])),
    },
    { additionalProperties: false },
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'hsmfleet playbook',
    type: 'array',
    items: { anyOf: [{ $ref: '#/definitions/play' }, { $ref: '#/definitions/import' }] },
    definitions: {
      play, task, handler, step, block, include: { anyOf: includes },
      import: { anyOf: ['import_playbook', 'ansible.builtin.import_playbook'].map((key) => Type.Object({ [key]: Type.String({ description: 'another playbook' }), ...optional(stepProperties()) }, strict)) },
    },
  };
}
