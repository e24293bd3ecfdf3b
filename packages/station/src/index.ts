export type * from './port.ts';
export { CURVES, formatKeyType, isWeak, parseKeyId, parseKeyType, type CurveName, type KeyType } from './key-type.ts';
export { statedToken } from './manifest/stated-token.ts';
