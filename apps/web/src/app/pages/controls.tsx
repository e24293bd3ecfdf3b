import type { CheckList, ControlList, ControlState } from '@hsmfleet/web-api/schemas';
import { useState } from 'preact/hooks';
import { useData } from '../api/use-data.ts';
import { hrefOf } from '../routing/match-path.ts';
import { OUTCOMES, OUTCOME_WORDS, SeverityBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { OutcomeShares } from '../ui/shares.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

/** Every control of the last checks, and the checks themselves. */
export function ControlsPage() {
  const controls = useData<ControlList>('/controls', 60);
  const checks = useData<CheckList>('/checks?limit=50');
  const [openOnly, setOpenOnly] = useState(false);
  return (
    <Page title="Controls" name="Controls" lead="As the last check of each schedule and profile saw them.">
      <Section title="By what asks for attention" aside={<label class="row"><input type="checkbox" checked={openOnly} onChange={(event) => setOpenOnly(event.currentTarget.checked)} /> only those that are not met</label>}>
        <Answer of={controls}>{({ items }) => <ControlTable states={openOnly ? items.filter(({ counts }) => counts.fail + counts.error + counts.unreachable > 0) : items} />}</Answer>
      </Section>
      <Section title="Checks">
        <Answer of={checks}>{({ items }) => (
          <Table
            label="Checks" noun="check" rows={items} keyOf={({ id }) => id} pageSize={20} empty="No check yet: hsmfleet check playbooks/profiles/hsm-webserver.yml -i hosts.yml"
            columns={[
              { id: 'title', title: 'Profile', sort: ({ title }) => title, cell: ({ id, title }) => <a href={hrefOf('/checks/:check', { check: id })}>{title}</a> },
              { id: 'schedule', title: 'Schedule', sort: ({ schedule }) => schedule, cell: ({ schedule }) => schedule ?? <span class="soft">by a person</span> },
              { id: 'finished', title: 'Finished', sort: ({ finishedAt }) => finishedAt, cell: ({ finishedAt }) => <Time at={finishedAt} /> },
              { id: 'hosts', title: 'Hosts', end: true, sort: ({ hosts }) => hosts, cell: ({ hosts }) => hosts },
              ...OUTCOMES.map((outcome) => ({
                id: outcome, title: OUTCOME_WORDS[outcome], end: true, sort: ({ counts }: CheckList['items'][number]) => counts[outcome], cell: ({ counts }: CheckList['items'][number]) => counts[outcome],
              })),
            ]}
          />
        )}</Answer>
      </Section>
    </Page>
  );
}

/** Controls with how many hosts meet them, the worst first. */
export function ControlTable({ states }: { states: readonly ControlState[] }) {
  const several = new Set(states.map(({ profile, schedule }) => `${profile} ${schedule ?? ''}`)).size > 1;
  const from: Column<ControlState> = { id: 'from', title: 'Profile', sort: ({ profile }) => profile, cell: ({ profile, schedule, check }) => <a href={hrefOf('/checks/:check', { check })}>{profile}{schedule !== null && <span class="soft small"> {schedule}</span>}</a> };
  return (
    <Table
      label="Controls" noun="control" rows={states} keyOf={({ control, profile, schedule }) => `${control.id} ${profile} ${schedule ?? ''}`} empty="No control is like that."
      columns={[
        { id: 'control', title: 'Control', sort: ({ control }) => control.title, cell: ({ control }) => <a href={hrefOf('/controls/:control', { control: control.id })}>{control.title}</a> },
        { id: 'severity', title: 'Severity', sort: ({ control }) => SEVERITIES.indexOf(control.severity), cell: ({ control }) => <SeverityBadge severity={control.severity} /> },
        ...(several ? [from] : []),
        ...OUTCOMES.map((outcome) => ({
          id: outcome, title: OUTCOME_WORDS[outcome], end: true, sort: ({ counts }: ControlState) => counts[outcome], empty: ({ counts }: ControlState) => counts[outcome] === 0,
          cell: ({ counts }: ControlState) => (counts[outcome] > 0 && outcome === 'fail' ? <strong class="urgency-over">{counts[outcome]}</strong> : counts[outcome]),
        })),
        { id: 'shares', title: 'Shares', cell: ({ counts }) => <div class="share-cell"><OutcomeShares counts={counts} /></div> },
      ]}
    />
  );
}
