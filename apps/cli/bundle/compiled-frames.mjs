import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { AgentFrame } from '../../../packages/contract/src/wire.ts';

/**
 * esbuild plugin: puts code that ajv generates now in place of the module that would compile the frames' schemas at run
 * time, which costs more than the rest of a small run's start.
 */
export function compiledFrames() {
  return {
    name: 'compiled-frames',
    setup(build) {
      build.onLoad({ filter: /contract\/src\/wire-validator\.ts$/ }, () => ({ contents: frameValidator(), loader: 'js', resolveDir: import.meta.dirname }));
    },
  };
}

/** The generated module. Accepts and refuses the same frames as the schema; a spec compares the two. */
export function frameValidator() {
  const ajv = new Ajv({ allErrors: false, strict: false, inlineRefs: false, discriminator: true, code: { source: true, esm: true } });
  ajv.addSchema(prepare(AgentFrame, ajv), 'frame');
  return `${standaloneCode(ajv, { validate: 'frame' })}
export function agentFrameProblem(value) {
  if (validate(value)) return undefined;
  const error = validate.errors?.at(-1);
  return \`\${error?.instancePath ?? ''} \${error?.message ?? 'is not valid'}\`;
}
export function controlFrameProblem() {
  throw new Error('a control host reads no frames of control hosts');
}
`;
}

/**
 * The schema in a form that makes quick code: without what is for people, and with unions told apart by `type`, each
 * member a function of its own, so that a frame costs one look at its type and only what comes is ever compiled.
 */
function prepare(node, ajv, named = false) {
  if (Array.isArray(node)) return node.map((item) => prepare(item, ajv));
  if (node === null || typeof node !== 'object') return node;
  if (!named && isTagged(node.anyOf)) {
    const oneOf = node.anyOf.map((member) => {
      const name = Object.keys(member.properties).sort().join('+') + member.properties.type.const;
      if (ajv.getSchema(name) === undefined) ajv.addSchema(prepare(member, ajv), name);
      return { $ref: name };
    });
    return { type: 'object', discriminator: { propertyName: 'type' }, required: ['type'], oneOf };
  }
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => named || (key !== 'description' && key !== 'default'))
      .map(([key, value]) => [key, prepare(value, ajv, key === 'properties' || key === 'patternProperties')]),
  );
}

function isTagged(members) {
  return Array.isArray(members) && members.length > 2 && members.every((member) => typeof member.properties?.type?.const === 'string');
}
