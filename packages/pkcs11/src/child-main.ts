import { fileURLToPath } from 'node:url';
import { runPkcs11Child } from './child.ts';
import { addonFileName } from './native.ts';

// The child as a program of its own, for this workspace; the agent's bundle has an entry of its own.
runPkcs11Child(fileURLToPath(new URL(`../dist/${addonFileName()}`, import.meta.url)));
