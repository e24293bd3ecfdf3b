export * from './create-manifest.ts';
export * from './describe-manifest.ts';
export * from './envelope.ts';
export * from './prove-token.ts';
