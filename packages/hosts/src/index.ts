export * from './load-hosts.ts';
export * from './model.ts';
export { VarsFiles } from './vars-files.ts';
