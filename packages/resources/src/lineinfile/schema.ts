import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';
import { attributeParams } from '../file/attributes.ts';

const pattern = (description: string) => Type.Optional(Type.String({ description }));

/** Parameters of `lineinfile`. */
export const LineinfileParams = Type.Object(
  {
    path: Type.Optional(AbsolutePath('file to edit')),
    dest: Type.Optional(AbsolutePath('another name of path')),
    name: Type.Optional(AbsolutePath('another name of path')),
    state: Type.Optional(Type.Union([Type.Literal('present'), Type.Literal('absent')], { description: 'present by default' })),
    line: Type.Optional(Type.Unknown({ description: 'the line without its end; with backrefs, \\1 and \\g<name> stand for groups of regexp. May be a secret' })),
    regexp: pattern('regular expression: the last line that matches is replaced (state absent: all that match go)'),
    search_string: pattern('instead of regexp: text that the line holds'),
    insertafter: pattern('where a new line goes: after the last line that matches, or EOF (the default)'),
    insertbefore: pattern('where a new line goes: before the last line that matches, or BOF'),
    backrefs: Type.Optional(Type.Boolean({ description: 'line holds groups of regexp; without a match nothing is done; false by default' })),
    firstmatch: Type.Optional(Type.Boolean({ description: 'the first match counts, not the last; false by default' })),
    create: Type.Optional(Type.Boolean({ description: 'make the file when it is missing; false by default' })),
    backup: Type.Optional(Type.Boolean({ description: 'keep the old file beside, with the time in its name; false by default' })),
    ...attributeParams,
  },
  { additionalProperties: false, anyOf: [{ required: ['path'] }, { required: ['dest'] }, { required: ['name'] }] },
);
export type LineinfileParams = Static<typeof LineinfileParams>;
