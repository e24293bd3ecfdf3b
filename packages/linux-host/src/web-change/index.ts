export { actOnWebServer, assertPinsProven, executeWebChange, provePinBesideServer, recoverWeb, settleWeb } from './transaction.ts';
export { forgetUndo, undoWeb } from './undo.ts';
export { readPendingWebChange } from './journal.ts';
export { createServerControl, type ServerControl } from './server-control.ts';
export { readHostConfig } from './proof.ts';
export type { WebDeps } from './deps.ts';
