/** What tools/conformance records with, and the end-to-end tests compare with. */
export { readCases, type ConformanceCase } from './conformance/case-files.ts';
export type { CaseOutcome } from './conformance/outcome.ts';
export { runWithAnsible } from './conformance/run-ansible.ts';
