export { makeLoad } from './make-load.ts';
export { runTlsLoad } from './child.ts';
