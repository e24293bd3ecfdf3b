import { parseArgs } from 'node:util';
import { ROOT } from '../architecture/src/workspace.ts';
import { makeDebianPackage, makeNpmPackage } from './src/packages.ts';
import { join } from 'node:path';

/* Makes the npm package and the Debian package of the program: `npm run package`. */
const { values, positionals } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'dist') } }, allowPositionals: true });
const wanted = positionals.length === 0 ? ['npm', 'deb'] : positionals;
for (const kind of wanted) {
  if (kind === 'npm') process.stdout.write(`${makeNpmPackage(values.out)}\n`);
  else if (kind === 'deb') process.stdout.write(`${makeDebianPackage(values.out)}\n`);
  else throw new Error(`there is no package of the kind "${kind}": npm, deb`);
}
