/*
 * Records how Ansible runs the cases: `node tools/conformance/main.ts [NAME …]` runs all, or those named, with the
 * ansible-playbook of this machine and writes recorded/NAME.json.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCases, runWithAnsible } from '@hsmfleet/e2e';

const folder = import.meta.dirname;
const recorded = join(folder, 'recorded');
const wanted = process.argv.slice(2);
const cases = readCases(join(folder, 'cases'));
const unknown = wanted.filter((name) => !cases.some((each) => each.name === name));
if (unknown.length > 0) {
  process.stderr.write(`there is no case ${unknown.join(', ')} in ${join(folder, 'cases')}\n`);
  process.exit(1);
}
mkdirSync(recorded, { recursive: true });
if (wanted.length === 0) {
  for (const name of readdirSync(recorded)) if (!cases.some((each) => name === `${each.name}.json`)) rmSync(join(recorded, name));
}
const queue = cases.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
await Promise.all(Array.from({ length: 2 }, async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const outcome = await runWithAnsible(next);
    if (Object.keys(outcome.recap).length === 0 && outcome.exit !== 0) process.stderr.write(`${next.name}: ansible-playbook ended with ${String(outcome.exit)} and no recap\n`);
    writeFileSync(join(recorded, `${next.name}.json`), `${JSON.stringify(outcome, null, 1)}\n`);
    process.stdout.write(`${next.name}\n`);
  }
}));
