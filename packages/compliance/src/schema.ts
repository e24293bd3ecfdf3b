import { Severity } from '@hsmfleet/contract';
import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false };
const Text = (description: string) => Type.String({ minLength: 1, description });
const Name = (description: string) => Type.String({ pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', description });
const ColumnName = Type.String({ pattern: '^[a-z_][a-z0-9_]*$', description: 'name of a column of the query' });
const ParameterName = '^[a-z_][a-z0-9_]*$';
const MaxAge = Type.String({ pattern: '^[1-9][0-9]*[mhd]$', description: 'how old evidence may be: a number with m (minutes), h (hours) or d (days), for example 24h' });
const Value = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.Union([Type.String(), Type.Number()]))], {
  description: 'a text, a number, true or false (1 and 0 in queries), or a list (in queries a text, joined by commas)',
});

const Control = Type.Object(
  {
    id: Name('in kebab-case, unique in the profile; never used again for something else, since waivers and history name it'),
    title: Text('what holds when it is met, in one line'),
    why: Text('why it matters'),
    severity: Severity,
    fix: Type.Optional(Text('what to do about a finding')),
    query: Type.Optional(Text('SQL over the views that `hsmfleet query --views` describes: each row is a finding and needs a column host; parameters are written $name')),
    playbook: Type.Optional(Text('playbook that must have nothing to do, relative to the profile; it is run in check mode')),
    tasks: Type.Optional(Type.Array(Text('name of a task'), { minItems: 1, description: 'the tasks of the playbook that count; all when absent. A host where all of them are skipped has nothing to do with the control' })),
    applies: Type.Optional(Text('SQL whose column host names the hosts that the control is about; all hosts when absent')),
    message: Type.Optional(Text('a finding in one line, with {column} for cells of its row')),
    identity: Type.Optional(Type.Array(ColumnName, { minItems: 1, description: 'columns that make a finding the same one in a later check; all but times, ages and durations when absent' })),
    max_age: Type.Optional(MaxAge),
  },
  strict,
);

const Waiver = Type.Object(
  {
    controls: Type.Array(Type.String(), { minItems: 1, description: 'ids of the controls whose findings are accepted' }),
    hosts: Text('pattern: groups and hosts, as for --limit'),
    reason: Text('why they are accepted'),
    owner: Text('who answers for it'),
    until: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'last day that it holds, as 2026-12-31; from the next day on (UTC) the finding counts again, and says that the waiver expired' }),
  },
  strict,
);

const Override = Type.Object(
  {
    hosts: Text('pattern: groups and hosts, as for --limit'),
    values: Type.Record(Type.String({ pattern: ParameterName }), Value, { description: 'values of parameters for these hosts' }),
  },
  strict,
);

/** A profile as people write it. */
export const ProfileFile = Type.Object(
  {
    profile: Name('name, in kebab-case: checks of one name are compared with one another'),
    title: Text('what the profile is about, in one line'),
    description: Type.Optional(Text('for people')),
    extends: Type.Optional(Text('another profile whose parameters, controls and waivers it takes over, relative to this one')),
    without: Type.Optional(Type.Array(Type.String(), { description: 'ids of controls of that other profile that are left out' })),
    max_age: Type.Optional(MaxAge),
    parameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: ParameterName }),
        Type.Object({ description: Text('what it is for'), default: Value }, strict),
        { description: 'what is left to the user: -e, or set' },
      ),
    ),
    set: Type.Optional(Type.Array(Override, { description: 'values of parameters by host; of several entries that fit a host the last one wins, and -e wins over all' })),
    controls: Type.Optional(Type.Array(Control, { description: 'what has to hold' })),
    waivers: Type.Optional(Type.Array(Waiver, { description: 'findings that somebody accepts until a day' })),
  },
  strict,
);
export type ProfileFile = Static<typeof ProfileFile>;
export type ControlEntry = Static<typeof Control>;

/** JSON Schema of a profile, for editors. Reading one checks more: that names are known, and that the database understands the queries. */
export function profileSchema(): object {
  const { controls } = ProfileFile.properties;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'hsmfleet profile',
    ...ProfileFile,
    properties: {
      ...ProfileFile.properties,
      controls: { ...controls, items: { ...Control, oneOf: [{ required: ['query'] }, { required: ['playbook'] }] } },
    },
  };
}
