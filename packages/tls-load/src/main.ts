import { runTlsLoad } from './child.ts';

// The client as a program of its own, for this workspace; the agent's bundle has an entry of its own.
runTlsLoad();
