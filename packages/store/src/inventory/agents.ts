import { column } from '../view.ts';
import type { InventoryKind } from './kind.ts';

const MEBIBYTE = 1024 * 1024;

/** The agent's own state on each host. Only what stays as it is while nothing is wrong: every difference is kept. */
export const agents: InventoryKind = {
  view: 'agents',
  description: 'the agents and their state on the hosts, one row per host',
  identity: [],
  columns: [
    column('version', 'text', 'version of the agent'),
    column('node', 'text', 'version of Node that runs it'),
    column('state_dir', 'text', 'directory of its state'),
    column('state_mode', 'text', 'permission bits of that directory'),
    column('state_owner', 'text', 'user that owns it'),
    column('state_mb', 'integer', 'its size in mebibytes, rounded up; null when there are too many files to count'),
    column('stale_lock_run', 'text', 'run whose lock was found although its process is dead, as the inventory began, which took it over; null: none'),
    column('stale_lock_since', 'time', 'since when that lock was held'),
    column('interrupted_run', 'text', 'the run before the inventory, when its process died in the middle; null: it did not'),
    column('interrupted_run_at', 'time', 'when that run began'),
    column('web_change_pending', 'boolean', 'does a change of the web server wait for a restart that is proven'),
    column('web_change_since', 'time', 'since when it waits'),
    column('reads_in_window_only', 'boolean', 'reading a token stopped a site here before, so tokens are read in a maintenance window only'),
  ],
  indexes: [['version', 'host'], ['stale_lock_run', 'host']],
  rows: ({ agent }) => (agent === undefined || agent === null ? [] : [{
    version: agent.version, node: agent.node, state_dir: agent.stateDir, state_mode: agent.stateMode, state_owner: agent.stateOwner,
    state_mb: agent.stateBytes === null ? null : Math.ceil(agent.stateBytes / MEBIBYTE),
    stale_lock_run: agent.staleLock?.run ?? null, stale_lock_since: agent.staleLock?.since ?? null,
    interrupted_run: agent.lastRun?.status === 'interrupted' ? agent.lastRun.run : null,
    interrupted_run_at: agent.lastRun?.status === 'interrupted' ? agent.lastRun.startedAt : null,
    web_change_pending: Number(agent.pendingWebChange !== null), web_change_since: agent.pendingWebChange?.since ?? null,
    reads_in_window_only: Number(agent.readsTokensInWindowOnly),
  }]),
};
