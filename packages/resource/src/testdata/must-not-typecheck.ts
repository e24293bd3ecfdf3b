import type { Secret } from '@hsmfleet/contract';
import type { ReadHost, RunProgram, Step } from '../index.ts';

declare const host: ReadHost;
declare const pin: Secret;

// inspection has no way to write, run a step, or settle a web change
void host.execute; // TS2339
void host.writeFile; // TS2339
void host.settleWeb; // TS2339
// a secret is no string, so it cannot slip into argv, an environment or a message
export const argv: RunProgram['argv'] = ['certutil', '-f', pin]; // TS2322
export const env: RunProgram['env'] = { PIN: pin }; // TS2322
export const text: string = pin; // TS2322
// the set of steps is closed, and none takes a shell's text
export const shell: Step = { kind: 'shell', command: 'rm -rf /' }; // TS2322
export const line: RunProgram = { kind: 'run', argv: 'certutil -N', why: 'x' }; // TS2322
