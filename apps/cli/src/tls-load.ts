import { runTlsLoad } from '@hsmfleet/tls-load';

// A process of its own: load must not wait for what the program does, nor the program for it.
runTlsLoad();
