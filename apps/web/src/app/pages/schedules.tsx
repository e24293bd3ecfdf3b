import type { Schedule, ScheduleList, ScheduleStart } from '@hsmfleet/web-api/schemas';
import { useState } from 'preact/hooks';
import { client, type ApiError } from '../api/client.ts';
import { useSession } from '../api/session.tsx';
import { toApiError, useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { Answer, ErrorNotice } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

/** Schedules, how they stand, and for operators a way to start one now. */
export function SchedulesPage() {
  const schedules = useData<ScheduleList>('/schedules', 10);
  const { session } = useSession();
  const [started, setStarted] = useState<{ name: string; check: string } | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const start = async (name: string): Promise<void> => {
    setError(undefined);
    setStarted(undefined);
    try {
      const { check } = await client.send<ScheduleStart>('POST', hrefOf('/schedules/:name/run', { name }));
      setStarted({ name, check });
      schedules.reload();
    } catch (caught) {
      setError(toApiError(caught));
    }
  };
  return (
    <Page title="Schedules" name="Schedules">
      {error !== undefined && <ErrorNotice error={error} />}
      {started !== undefined && <div class="notice pass" role="status"><p>{started.name} was started: <a href={hrefOf('/runs/:run', { run: started.check })}>follow it</a>, or <a href={hrefOf('/checks/:check', { check: started.check })}>see what it found</a> when it is done.</p></div>}
      <Answer of={schedules}>{({ items, problem }) => (
        <>
          {problem !== null && <div class="notice error" role="alert"><strong>The file of schedules, as it is now, is not in force.</strong><p>{problem}</p></div>}
          <Section title="When and what">
            <ScheduleTable items={items} start={session?.role === 'operator' ? (name) => void start(name) : undefined} />
          </Section>
        </>
      )}</Answer>
    </Page>
  );
}

function ScheduleTable({ items, start }: { items: readonly Schedule[]; start: ((name: string) => void) | undefined }) {
  return (
    <Table
      label="Schedules" noun="schedule" rows={items} keyOf={({ name }) => name} empty="No schedule is in the server's file."
      columns={[
        { id: 'name', title: 'Name', sort: ({ name }) => name, cell: ({ name }) => name },
        { id: 'what', title: 'What', sort: ({ profile, playbook }) => profile ?? playbook, cell: ({ profile, playbook, pattern }) => <>{profile ?? <>{playbook} <span class="soft small">in check mode</span></>} <span class="soft small">on {pattern ?? 'all hosts'}</span></> },
        { id: 'when', title: 'When', cell: ({ cron, timezone }) => <><code>{cron}</code> <span class="soft small">{timezone}</span></> },
        { id: 'next', title: 'Next', sort: ({ nextAt }) => nextAt, cell: ({ nextAt }) => (nextAt === null ? <span class="soft">not due</span> : <Time at={nextAt} />) },
        { id: 'last', title: 'Last', sort: ({ lastStartedAt }) => lastStartedAt, cell: ({ lastStartedAt }) => <Time at={lastStartedAt} /> },
        { id: 'outcome', title: 'How it went', cell: (schedule) => <Turn schedule={schedule} /> },
        ...(start === undefined ? [] : [{
          id: 'start', title: 'Start',
          cell: ({ name, running }: Schedule) => <button type="button" disabled={running !== null} onClick={() => start(name)}>Run <span class="unseen">{name} </span>now</button>,
        }]),
      ]}
    />
  );
}

function Turn({ schedule: { running, outcome, error } }: { schedule: Schedule }) {
  if (running !== null) return <a class="badge busy" href={hrefOf('/runs/:run', { run: running })}>under way</a>;
  if (error !== null) return <span class="urgency-over">{error}</span>;
  return outcome === null ? <span class="soft">no turn yet</span> : <span>{outcome}</span>;
}
