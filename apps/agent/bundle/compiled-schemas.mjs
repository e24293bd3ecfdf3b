import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { secretPathsOf } from '../../../packages/agent-runtime/src/secret-params.ts';
import { KEYWORDS } from '../../../packages/resource/src/schema.ts';
import { PlannedBlock, PlannedInclude, PlannedMeta, PlannedStep, PlannedTask, TaskInput } from '../../../packages/contract/src/plan.ts';
import { SourcePosition } from '../../../packages/contract/src/error.ts';
import { ControlFrame, DelegatedReport } from '../../../packages/contract/src/wire.ts';
import { resources } from '../../../packages/resources/src/index.ts';

const NAMESPACE = 'hsmfleet-compiled';

/**
 * esbuild plugin: puts code that ajv generates now in place of the modules that would compile schemas at run time, and
 * an empty builder in place of typebox, since nothing in the agent reads a schema.
 */
export function compiledSchemas() {
  return {
    name: 'compiled-schemas',
    setup(build) {
      build.onLoad({ filter: /contract\/src\/wire-validator\.ts$/ }, () => ({ contents: frameValidator(), loader: 'js', resolveDir: import.meta.dirname }));
      build.onLoad({ filter: /agent-runtime\/src\/params-validator\.ts$/ }, () => ({ contents: paramsValidator(), loader: 'js' }));
      build.onLoad({ filter: /\/(contract|resource)\/src\/[^/]*\.ts$/ }, ({ path }) => ({ contents: markPure(readFileSync(path, 'utf8')), loader: 'ts' }));
      build.onResolve({ filter: /^hsmfleet-params:/ }, ({ path }) => ({ path, namespace: NAMESPACE }));
      build.onLoad({ filter: /^hsmfleet-params:/, namespace: NAMESPACE }, ({ path }) => {
        const { params } = resources.get(path.slice('hsmfleet-params:'.length));
        const secrets = `export const secrets = ${JSON.stringify(secretPathsOf(params))};\n`;
        return { contents: `${secrets}${compile(params)}`, loader: 'js', resolveDir: import.meta.dirname };
      });
      build.onResolve({ filter: /^@sinclair\/typebox$/ }, ({ path }) => ({ path, namespace: NAMESPACE }));
      build.onLoad({ filter: /^@sinclair\/typebox$/, namespace: NAMESPACE }, () => ({
        contents: 'const node = () => ({});\nexport const Type = new Proxy({}, { get: () => node });\n',
        loader: 'js',
      }));
    },
  };
}

/** Tells the bundler that building a schema has no effect, so that schemas which nothing reads are left out. */
function markPure(text) {
  return text.replace(/(?<![.\w])(Type\.\w+|event|frame|literals|nullable)\(/g, '/* @__PURE__ */ $1(');
}

/** Without what is for people: ajv would copy it into the code. */
function withoutProse(schema) {
  const prose = new Set(['description', 'default', 'examples', 'title', ...KEYWORDS]);
  const strip = (node) => {
    if (Array.isArray(node)) return node.map(strip);
    if (node === null || typeof node !== 'object') return node;
    const shared = SHARED.find(([, one]) => one === node && one !== schema);
    if (shared !== undefined) return { $ref: shared[0] };
    // the keys under `properties` are names of parameters, among which is "default" or "title"
    const entries = Object.entries(node).filter(([key]) => !prose.has(key)).map(([key, value]) => [key, NAMED.has(key) ? mapValues(value, strip) : strip(value)]);
    return Object.fromEntries(entries);
  };
  return strip(schema);
}

/** Parts that occur in several places, or are large and rare: each becomes one function. */
const SHARED = Object.entries({ PlannedStep, PlannedTask, PlannedBlock, PlannedInclude, PlannedMeta, TaskInput, SourcePosition, DelegatedReport });

const NAMED = new Set(['properties', 'patternProperties']);
const mapValues = (record, change) => Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** A module that exports `validate`. */
function compile(schema) {
  const ajv = new Ajv({ allErrors: false, strict: false, inlineRefs: false, code: { source: true, esm: true } });
  for (const [name, shared] of SHARED) ajv.addSchema(withoutProse(shared), name);
  return standaloneCode(ajv, { validate: ajv.addSchema(withoutProse(schema), 'schema') && 'schema' });
}

/** Frames are told apart by their type, each with a function of its own: only what comes is ever compiled by Node. */
function compileFrames() {
  const ajv = new Ajv({ allErrors: false, strict: false, inlineRefs: false, discriminator: true, code: { source: true, esm: true } });
  for (const [name, shared] of SHARED) ajv.addSchema(withoutProse(shared), name);
  const oneOf = ControlFrame.anyOf.map((member) => {
    const name = `frame-${member.properties.type.const}`;
    ajv.addSchema(withoutProse(member), name);
    return { $ref: name };
  });
  ajv.addSchema({ type: 'object', discriminator: { propertyName: 'type' }, required: ['type'], oneOf }, 'schema');
  return standaloneCode(ajv, { validate: 'schema' });
}

function frameValidator() {
  return `${compileFrames()}
export function controlFrameProblem(value) {
  if (validate(value)) return undefined;
  const error = validate.errors?.at(-1);
  return \`\${error?.instancePath ?? ''} \${error?.message ?? 'is not valid'}\`;
}
export function agentFrameProblem() {
  throw new Error('an agent reads no frames of agents');
}
`;
}

function paramsValidator() {
  const loaders = [...resources.keys()].map((name) => `  ['${name}', () => import('hsmfleet-params:${name}')],\n`).join('');
  return `const loaders = new Map([\n${loaders}]);
export async function paramsValidator(resource) {
  const { validate, secrets } = await loaders.get(resource.name)();
  return { secrets, errors: (params) => (validate(params) ? [] : validate.errors) };
}
`;
}
