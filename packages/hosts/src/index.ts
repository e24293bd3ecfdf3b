export * from './listing.ts';
export * from './load-hosts.ts';
export * from './model.ts';
export * from './variable-levels.ts';
export { VarsFiles, type VarsFile } from './vars-files.ts';
