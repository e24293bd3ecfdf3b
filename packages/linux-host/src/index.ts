export { createLinuxHost, type HostPkcs11, type LinuxHostOptions } from './create-linux-host.ts';
export { runCardServiceChild } from './card-service.ts';
export { gatherFacts } from './facts.ts';
export { findApacheLayout } from './apache-layout.ts';
export type { PrimitiveChange, WebChangeDeps } from './web-change-deps.ts';
