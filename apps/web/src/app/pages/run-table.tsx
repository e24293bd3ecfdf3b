import type { RunSummary } from '@hsmfleet/web-api/schemas';
import { hrefOf } from '../routing/match-path.ts';
import { RunBadge } from '../ui/marks.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { durationOf } from '../ui/words.ts';
import type { ComponentChildren } from 'preact';

/** How a whole run ended, in the words for hosts. Without an end it goes on, or was cut off. */
export function statusOf({ finishedAt, exitCode }: Pick<RunSummary, 'finishedAt' | 'exitCode'>): 'running' | 'ok' | 'failed' | 'unreachable' {
  if (finishedAt === null) return 'running';
  if (exitCode === null || exitCode === 0) return 'ok';
  return exitCode === 4 ? 'unreachable' : 'failed';
}

/** Runs, newest first unless the reader wants another order. */
export function RunTable({ runs, label, rest }: { runs: readonly RunSummary[]; label: string; rest?: ComponentChildren }) {
  return (
    <Table<RunSummary>
      label={label} noun="run" rows={runs} keyOf={({ id }) => id} empty="No run yet." rest={rest}
      columns={[
        { id: 'playbook', title: 'Run', sort: ({ playbook }) => playbook, cell: ({ id, playbook, check }) => <><a href={hrefOf('/runs/:run', { run: id })}>{playbook}</a>{check && <span class="soft"> check mode</span>}</> },
        { id: 'status', title: 'Status', sort: (run: RunSummary) => statusOf(run), cell: (run) => <RunBadge status={statusOf(run)} /> },
        { id: 'started', title: 'Started', sort: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <Time at={startedAt} /> },
        {
          id: 'duration', title: 'Took', end: true, empty: ({ finishedAt }) => finishedAt === null,
          sort: (run) => (run.finishedAt === null ? null : took(run)), cell: (run) => (run.finishedAt === null ? '' : durationOf(took(run))),
        },
        { id: 'user', title: 'By', sort: ({ user }) => user, cell: ({ user }) => user },
        { id: 'hosts', title: 'Hosts', end: true, sort: ({ hosts }) => hosts, cell: ({ hosts }) => hosts },
        { id: 'changed', title: 'Changed', end: true, sort: ({ changed }) => changed, cell: ({ changed }) => changed },
        { id: 'failed', title: 'Failed', end: true, sort: ({ failed }) => failed, cell: ({ failed }) => (failed > 0 ? <strong class="urgency-over">{failed}</strong> : 0) },
      ]}
    />
  );
}

function took({ startedAt, finishedAt }: RunSummary): number {
  return finishedAt === null ? 0 : new Date(finishedAt).getTime() - new Date(startedAt).getTime();
}
