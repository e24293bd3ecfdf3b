import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Modules of Node whose loading is measurable and that a run of light tasks does not need. */
const LAZY = ['node:crypto', 'node:child_process', 'node:tls', 'node:net', 'node:http', 'node:https', 'node:zlib', 'node:dns', 'node:dns/promises', 'node:timers/promises'];

/**
 * esbuild plugin: `import { createHash } from 'node:crypto'` loads the module when createHash is first called. Only
 * functions and classes are handed on, since everything else would have to be read at once.
 */
export function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup(build) {
      build.onResolve({ filter: /^node:/ }, ({ path, kind, namespace }) =>
        kind === 'import-statement' && namespace !== 'lazy-builtin' && LAZY.includes(path) ? { path, namespace: 'lazy-builtin', sideEffects: false } : undefined);
      build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => {
        const names = Object.entries(require(path)).filter(([name, value]) => typeof value === 'function' && /^[A-Za-z]\w*$/.test(name)).map(([name]) => name);
        const load = `let loaded;\nconst load = () => (loaded ??= require('${path}'));\n`;
        const functions = names.map((name) =>
          `export function ${name}(...args) { return new.target ? Reflect.construct(load().${name}, args) : load().${name}(...args); }\n`);
        return { contents: load + functions.join(''), loader: 'js' };
      });
    },
  };
}
