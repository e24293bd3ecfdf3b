// node build.mjs [OUTPUT DIRECTORY]   (dist by default)
// Bundles the agent: agent.js (first lines for any Node) with its package.json, main.cjs, the PKCS#11 add-ons, and manifest.json.
// The bundle is a little different from the sources, because its start is measured in milliseconds:
// - schemas are compiled to code here, so that neither ajv nor typebox is in it;
// - Node's own modules that most runs do not need are loaded on first use.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compiledSchemas } from './bundle/compiled-schemas.mjs';
import { lazyBuiltins } from './bundle/lazy-builtins.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = process.argv[2] ?? at('dist/');
const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
copyFileSync(at('src/prelude.cjs'), join(dist, 'agent.js'));
// whatever lies above the agent's directory on a host, agent.js is CommonJS
writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}\n');

await build({
  entryPoints: [at('src/main.ts')],
  outfile: join(dist, 'main.cjs'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minify: true,
  // the first lines read it as Latin-1 and compile it as a script, which has no import()
  charset: 'ascii',
  supported: { 'dynamic-import': false },
  legalComments: 'none',
  define: { AGENT_VERSION: JSON.stringify(version) },
  plugins: [compiledSchemas(), lazyBuiltins()],
  logLevel: 'warning',
});

const addons = at('../../packages/pkcs11/dist/');
for (const name of existsSync(addons) ? readdirSync(addons) : []) {
  if (name.endsWith('.node')) copyFileSync(join(addons, name), join(dist, name));
}

const files = readdirSync(dist).sort().map((name) => {
  const bytes = readFileSync(join(dist, name));
  return { name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
});
const hash = createHash('sha256').update(files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('')).digest('hex');
writeFileSync(join(dist, 'manifest.json'), `${JSON.stringify({ version, hash, files }, null, 2)}\n`);
process.stderr.write(`built the agent ${hash.slice(0, 12)}: ${files.map(({ name, size }) => `${name} ${Math.round(size / 1024)} kB`).join(', ')}\n`);
