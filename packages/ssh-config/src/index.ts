export * from './ssh-args.ts';
export * from './ssh-options.ts';
export * from './known-hosts.ts';
export * from './host-key-error.ts';
export * from './jump-hosts.ts';
export * from './write-known-hosts.ts';
