import { Mode, SecretParam, type AnyResource } from '@hsmfleet/resource';
import { Type } from '@sinclair/typebox';

const strict = { additionalProperties: false };
const declare = (name: string, params: AnyResource['params'], more: Partial<AnyResource> = {}): [string, AnyResource] => [
  name,
  { name, summary: `${name} for tests`, params, inspect: () => Promise.resolve({}), plan: () => ({ steps: [] }), examples: [], ...more },
];

/** A few resources of every kind that the compiler knows, so that its specs do not hang on the real ones. */
export const testResources: ReadonlyMap<string, AnyResource> = new Map([
  declare('file', Type.Object({
    path: Type.String({ pattern: '^/', description: 'what is managed' }),
    state: Type.Optional(Type.Union([Type.Literal('file'), Type.Literal('directory'), Type.Literal('absent')])),
    mode: Type.Optional(Mode),
    owner: Type.Optional(Type.String()),
    recurse: Type.Optional(Type.Boolean()),
    depth: Type.Optional(Type.Integer({ minimum: 0 })),
  }, strict)),
  declare('copy', Type.Object({ src: Type.Optional(Type.String()), content: Type.Optional(Type.Unknown()), dest: Type.String() }, { ...strict, oneOf: [{ required: ['src'] }, { required: ['content'] }] }), { files: { src: 'blob' }, secretFiles: ['src'] }),
  declare('plain_copy', Type.Object({ src: Type.String() }, strict), { files: { src: 'blob' } }),
  declare('template', Type.Object({ src: Type.String(), dest: Type.String() }, strict), { files: { src: 'template' } }),
  declare('package', Type.Object({ artifact: Type.String(), version: Type.Optional(Type.String()) }, strict), { files: { artifact: 'artifact' } }),
  declare('source_package', Type.Object({ name: Type.String() }, strict)),
  declare('command', Type.Object({ _raw_params: Type.Optional(Type.String()), cmd: Type.Optional(Type.String()), argv: Type.Optional(Type.Array(Type.String())), creates: Type.Optional(Type.String()) }, strict), { freeFormParam: '_raw_params', converges: false }),
  declare('assert', Type.Object({ that: Type.Union([Type.Array(Type.Union([Type.String(), Type.Boolean()])), Type.String()]), quiet: Type.Optional(Type.Boolean()) }, strict), { expressions: ['that'] }),
  declare('debug', Type.Object({ msg: Type.Optional(Type.Unknown()) }, strict)),
  declare('set_fact', Type.Object({}, { additionalProperties: true })),
  declare('pin_file', Type.Object({ path: Type.String(), pins: Type.Array(Type.Object({ token: Type.String(), pin: SecretParam('PIN') }, strict)) }, strict)),
]);
