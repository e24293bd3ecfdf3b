export { openStation, stationChildArgv, type StationOptions } from './open-station.ts';
export { describeToken, describeTries } from './login-guard.ts';
export { describeObject } from './token-session.ts';
