import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addonFileName } from '../native.ts';
import { runStationChild } from './station-child.ts';

// The station's child as a program of its own. Built, the add-on lies beside it; in the workspace, where it is made.
const beside = fileURLToPath(new URL(`./${addonFileName()}`, import.meta.url));
const made = fileURLToPath(new URL(`../../dist/${addonFileName()}`, import.meta.url));
await runStationChild(process.argv[2] ?? '', existsSync(beside) ? beside : made);
