export { openStation, stationChildArgv, type StationOptions } from './open-station.ts';
export { describeToken, describeTries } from './login-guard.ts';
export { refuseWhileServing } from './refuse-while-serving.ts';
export { describeObject } from './token-session.ts';
