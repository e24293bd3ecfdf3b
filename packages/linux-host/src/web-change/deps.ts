import type { WebChangeDeps } from '../web-change-deps.ts';
import { createServerControl, type ServerControl } from './server-control.ts';

/** What the transaction needs of the host it works on. */
export interface WebDeps extends Pick<WebChangeDeps, 'host' | 'stateDir' | 'context' | 'applyChange' | 'provePin'> {
  /** By the host's facts when absent. */
  control?: ServerControl;
}

export function controlOf(deps: WebDeps): ServerControl {
  return deps.control ?? createServerControl(deps.host);
}
