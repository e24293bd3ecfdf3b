export { createWebServer, type LogEntry, type WebServer, type WebServerOptions } from './server.ts';
export type { DashboardData, PageRequest, Paged, PositionedEvent, ScheduleControl } from './data-port.ts';
export type { TlsFiles } from './http-server.ts';
export { fixedUsers, USER_NAME, UserRecord, type UserDirectory } from './auth/users.ts';
export { createToken } from './auth/token-hash.ts';
export { isLoopback } from './auth/origins.ts';
export { openApiDocument } from './openapi.ts';
export * from './schemas/index.ts';
