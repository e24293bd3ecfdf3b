import type { AnyResource } from '@hsmfleet/resource';
import { Type, type TSchema } from '@sinclair/typebox';

const Template = (description: string) => Type.String({ description });
const TextOrList = (description: string) => Type.Union([Type.String(), Type.Array(Type.String())], { description });
const Conditions = (description: string) =>
  Type.Union([Type.String(), Type.Boolean(), Type.Array(Type.Union([Type.String(), Type.Boolean()]))], { description });
const Flag = (description: string) => Type.Union([Type.Boolean(), Type.String({ pattern: '\\{\\{' })], { description });
const Variables = (description: string) => Type.Record(Type.String({ pattern: '^[A-Za-z_]\\w*$' }), Type.Unknown(), { description });
const BatchSize = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*%?$' })]);

/** Keys of a task besides its resource. */
const taskProperties = (): Record<string, TSchema> => ({
  name: Template('what people read when it runs'),
  when: Conditions('expressions without braces; all must hold'),
  loop: Type.Union([Type.String(), Type.Array(Type.Unknown())], { description: 'the task runs once per element, which is called item' }),
  with_items: Type.Union([Type.String(), Type.Array(Type.Unknown())], { description: 'older spelling of loop; lists inside are flattened once' }),
  loop_control: Type.Object(
    { loop_var: Type.Optional(Type.String({ description: 'name of the element instead of item' })), label: Type.Optional(Type.Unknown({ description: 'taken for compatibility' })) },
    { additionalProperties: false },
  ),
  register: Type.String({ pattern: '^[A-Za-z_]\\w*$', description: 'variable that gets the result' }),
  notify: TextOrList('handlers that run at the end of the play when this changes something'),
  tags: TextOrList('names for --tags and --skip-tags; always and never are special'),
  ignore_errors: Flag('go on after a failure'),
  changed_when: Conditions('when the task counts as changed'),
  failed_when: Conditions('when the task counts as failed'),
  no_log: Flag('keep the result out of events, logs and the store'),
  check_mode: Flag('true: only check, also in a real run; false: run also under --check'),
  vars: Variables('variables of this task'),
  become: Type.Boolean({ description: "must be the play's" }),
  become_user: Type.String({ description: "must be the play's" }),
  args: Type.Record(Type.String(), Type.Unknown(), { description: 'further parameters beside a free form' }),
});

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
  const oneResource = { oneOf: names.map((name) => ({ anyOf: [{ required: [name] }, { required: [`ansible.builtin.${name}`] }] })) };
  const task = { type: 'object', properties: { ...taskProperties(), ...byName }, additionalProperties: false, ...oneResource };
  const handler = { ...task, properties: { ...task.properties, listen: TextOrList('further names that notify may use') } };
  const tasks = (description: string) => Type.Array(Type.Ref('#/definitions/task'), { description });
  const play = Type.Object(
    {
      hosts: TextOrList('pattern: groups and hosts, for example "web:&prod:!old"'),
      name: Type.Optional(Type.String({ description: 'what people read' })),
      vars: Type.Optional(Variables('variables of the play')),
      vars_files: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([Type.String(), Type.Array(Type.String())]))], { description: 'YAML files with variables, relative to the playbook; of an inner list the first that exists' })),
      vars_prompt: Type.Optional(Type.Array(Type.Object(
        { name: Type.String(), prompt: Type.Optional(Type.String()), private: Type.Optional(Type.Boolean()), default: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ), { description: 'variables to ask for; secrets unless private is false' })),
      pre_tasks: Type.Optional(tasks('run before tasks')),
      tasks: Type.Optional(tasks('run in order')),
      post_tasks: Type.Optional(tasks('run after tasks')),
      handlers: Type.Optional(Type.Array(Type.Ref('#/definitions/handler'), { description: 'run at the end, when notified' })),
      serial: Type.Optional(Type.Union([BatchSize, Type.Array(BatchSize), Type.String({ pattern: '\\{\\{' })], { description: 'hosts per batch: a number, a percentage, or a list of them' })),
      max_fail_percentage: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: 100 }), Type.String()], { description: 'per cent of a batch that may fail' })),
      any_errors_fatal: Type.Optional(Flag('the first failure stops the run')),
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
      become: Type.Optional(Flag('run as another user, root by default')),
      become_user: Type.Optional(Type.String({ description: 'root by default' })),
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
    items: { $ref: '#/definitions/play' },
    definitions: { play, task, handler },
  };
}
