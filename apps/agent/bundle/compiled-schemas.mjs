import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { secretPathsOf } from '../../../packages/agent-runtime/src/secret-params.ts';
import { addKeywords } from '../../../packages/agent-runtime/src/schema-keywords.ts';
import { ControlFrame } from '../../../packages/contract/src/wire.ts';
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

/** A module that exports `validate`. */
function compile(schema) {
  const ajv = addKeywords(new Ajv({ allErrors: false, strict: false, code: { source: true, esm: true } }));
  return standaloneCode(ajv, { validate: ajv.addSchema(schema, 'schema') && 'schema' });
}

function frameValidator() {
  return `${compile(ControlFrame)}
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
