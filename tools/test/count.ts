import { globSync, readFileSync } from 'node:fs';

/*
 * Adds up what the test runners reported (vitest's JSON, one file a package and target) and prints the closing line.
 * Exits with 1 when a test failed, or when a target failed without saying so by a test.
 */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

const [targetFailed = '0'] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of globSync('{packages,apps}/*/.test/*.json').concat(globSync('tools/.test/*.json'))) {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}
if (targetFailed !== '0' && failed === 0) {
  process.stdout.write('a target failed outside of its tests: see above\n');
  failed = 1;
}
process.stdout.write(`${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
