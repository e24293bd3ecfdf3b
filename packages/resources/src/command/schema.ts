import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `command`. */
export const CommandParams = Type.Object(
  {
    _raw_params: Type.Optional(Type.String({
      description: 'the free form: a command line, split at blanks outside quotes; creates=, removes=, chdir= and stdin= in it are parameters. '
        + 'No shell: $NAME, ~, pipes and globs have no meaning',
    })),
    cmd: Type.Optional(Type.String({ minLength: 1, description: 'the command line, split in the same way' })),
    argv: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1, description: 'the program and its arguments, word by word' })),
    chdir: Type.Optional(AbsolutePath('directory to run it in; / by default')),
    creates: Type.Optional(Type.String({ description: 'do nothing when this path exists; * and ? are taken in its last part' })),
    removes: Type.Optional(Type.String({ description: 'do nothing when this path does not exist; * and ? are taken in its last part' })),
    // of any type, since a secret is no string to the validator
    stdin: Type.Optional(Type.Unknown({ description: 'text for its standard input; may be a secret' })),
    stdin_add_newline: Type.Optional(Type.Boolean({ description: 'end stdin with a newline; true by default' })),
    strip_empty_ends: Type.Optional(Type.Boolean({ description: 'take newlines off the end of stdout and stderr; true by default' })),
  },
  { additionalProperties: false, oneOf: [{ required: ['_raw_params'] }, { required: ['cmd'] }, { required: ['argv'] }] },
);
export type CommandParams = Static<typeof CommandParams>;
