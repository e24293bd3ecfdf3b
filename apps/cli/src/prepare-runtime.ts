/* A program of its own for the set-up: packs the Node runtime for hosts ahead of the first run, and prints where it is. */
import { WORKSPACE } from './agent-bundle.ts';
import { packRuntime } from './node-runtime.ts';

const { path } = await packRuntime(WORKSPACE);
process.stdout.write(`${path}\n`);
