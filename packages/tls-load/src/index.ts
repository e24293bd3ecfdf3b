export { makeLoad } from './make-load.ts';
export { probeSite } from './probe-site.ts';
export { runTlsLoad } from './child.ts';
