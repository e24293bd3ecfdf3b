// node build.mjs [OUTPUT DIRECTORY]   (dist by default)
// Bundles the program for the workspace's Node: one small entry, everything heavy in chunks that commands load when needed.
import { copyFileSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compiledFrames } from './bundle/compiled-frames.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const dist = process.argv[2] ?? at('dist');

rmSync(dist, { recursive: true, force: true });
await build({
  entryPoints: {
    main: at('src/main.ts'),
    // the store starts it as a process of its own and looks for it beside its chunk, so chunks lie in the same folder
    'query-process': at('../../packages/store/src/query-process.ts'),
    'tls-load': at('src/tls-load.ts'),
    // likewise the child that holds sessions on tokens; the add-on is put beside it below
    'station-process': at('../../packages/pkcs11/src/station/station-process.ts'),
    'prepare-runtime': at('src/prepare-runtime.ts'),
  },
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // ssh2 loads native parts when they are there; chokidar is nunjucks' optional file watcher, which is never used
  // resvg is a native library for each platform, which npm installs
  external: ['pg-native', '@resvg/resvg-js', 'ssh2', 'cpu-features', 'chokidar', 'fsevents'],
  // CommonJS packages inside the bundle ask for Node's own modules with require
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  plugins: [compiledFrames()],
  logLevel: 'warning',
});

const addons = at('../../packages/pkcs11/dist/');
for (const name of existsSync(addons) ? readdirSync(addons) : []) {
  if (name.endsWith('.node')) copyFileSync(join(addons, name), join(dist, name));
}

// the dashboard, which the server hands out from beside the program
cpSync(at('../web/dist'), join(dist, 'web'), { recursive: true });
