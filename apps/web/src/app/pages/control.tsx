import type { ControlDetail, HostResult } from '@hsmfleet/web-api/schemas';
import { useData } from '../api/use-data.ts';
import { MoreOf, useList } from '../api/use-list.tsx';
import { hrefOf, type PathParameters } from '../routing/match-path.ts';
import { useQueryParameter } from '../routing/router.tsx';
import { OUTCOMES, OUTCOME_WORDS, SeverityBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Facts, Page, Section } from '../ui/page.tsx';
import { OutcomeShares } from '../ui/shares.tsx';
import { Time } from '../ui/time.tsx';
import { ResultsTable } from './results-table.tsx';

/** A control: what it wants, why, and where it is not met. */
export function ControlPage({ parameters }: { parameters: PathParameters }) {
  const id = parameters['control'] ?? '';
  const path = hrefOf('/controls/:control', { control: id });
  const control = useData<ControlDetail>(hrefOf(path, {}, { limit: '1' }), 60);
  return (
    <Page title={control.data?.control.title ?? id} name={control.data?.control.title ?? id} within={{ href: '/controls', name: 'Controls' }}
      lead={control.data !== undefined && <span class="row"><SeverityBadge severity={control.data.control.severity} /> <code>{id}</code></span>}>
      <Answer of={control}>{({ control: known, states }) => (
        <>
          <Section title="What and why">
            <Facts facts={[
              ['Why', known.why],
              ['What to do', known.fix],
              ['Judged by', known.kind === 'query' ? 'a query over the inventory' : 'a playbook in check mode that must find nothing to do'],
              ['Defined in', <code>{known.position.file}:{known.position.line}</code>],
            ]} />
            {states.map((state) => (
              <div key={`${state.profile} ${state.schedule ?? ''}`} class="stack tight">
                <p><a href={hrefOf('/checks/:check', { check: state.check })}>{state.profile}{state.schedule !== null && `, schedule ${state.schedule}`}</a> <span class="soft"><Time at={state.finishedAt} />: {OUTCOMES.filter((outcome) => state.counts[outcome] > 0).map((outcome) => `${String(state.counts[outcome])} ${OUTCOME_WORDS[outcome]}`).join(', ')}</span></p>
                <OutcomeShares counts={state.counts} />
              </div>
            ))}
          </Section>
          <Results path={path} />
        </>
      )}</Answer>
    </Page>
  );
}

function Results({ path }: { path: string }) {
  const [outcome, setOutcome] = useQueryParameter('outcome');
  const detail = useList<HostResult>(hrefOf(path, {}, { outcome, limit: '200' }), resultsOf);
  return (
    <Section title="Hosts" aside={(
      <div class="row">
        <label for="outcome">Outcome</label>
        <select id="outcome" class="narrow" value={outcome} onChange={(event) => setOutcome(event.currentTarget.value)}>
          <option value="">all that ask for attention</option>
          <option value="all">all</option>
          {OUTCOMES.map((name) => <option key={name} value={name}>{OUTCOME_WORDS[name]}</option>)}
        </select>
      </div>
    )}>
      <Answer of={detail}>{({ items }) => (
        <ResultsTable results={items} label="Hosts" by="host" empty={outcome === '' ? 'Every host meets it, or it is not about them.' : 'No host is like that.'} rest={<MoreOf list={detail} noun="results" />} />
      )}</Answer>
    </Section>
  );
}

/** The results are a list inside of the answer. */
function resultsOf(answer: unknown): ControlDetail['results'] {
  return (answer as ControlDetail).results;
}
