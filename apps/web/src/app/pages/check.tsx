import type { CheckDetail, HostResult } from '@hsmfleet/web-api/schemas';
import { useData } from '../api/use-data.ts';
import { MoreOf, useList } from '../api/use-list.tsx';
import { hrefOf, type PathParameters } from '../routing/match-path.ts';
import { useQueryParameter } from '../routing/router.tsx';
import { OUTCOMES, OUTCOME_WORDS } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Facts, Page, Section } from '../ui/page.tsx';
import { OutcomeShares } from '../ui/shares.tsx';
import { Time } from '../ui/time.tsx';
import { ControlTable } from './controls.tsx';
import { ResultsTable } from './results-table.tsx';

/** One check: what it found, control by control. */
export function CheckPage({ parameters }: { parameters: PathParameters }) {
  const id = parameters['check'] ?? '';
  const check = useData<CheckDetail>(hrefOf('/checks/:check', { check: id }));
  const title = check.data?.summary.title ?? 'Check';
  return (
    <Page title={title} name={title} within={{ href: '/controls', name: 'Controls' }} lead={check.data !== undefined && <>Checked <Time at={check.data.summary.finishedAt} exact /></>}>
      <Answer of={check}>{({ summary, user, version, file, sha256, warnings, controls }) => (
        <>
          {warnings.map((warning) => <div key={warning} class="notice error"><p>{warning}</p></div>)}
          <Section title="Outcomes">
            <OutcomeShares counts={summary.counts} />
            <ul class="figures">
              {OUTCOMES.map((outcome) => (
                <li key={outcome}>
                  <a href={hrefOf('/checks/:check', { check: id }, { outcome })}>
                    <span class="figure">{summary.counts[outcome].toLocaleString('en')}</span>
                    <span class="figure-name"><span class={`key ground-${outcome}`} aria-hidden="true" />{OUTCOME_WORDS[outcome]}</span>
                  </a>
                </li>
              ))}
            </ul>
            <Facts across facts={[
              ['Asked for by', summary.schedule === null ? user : `schedule ${summary.schedule}`],
              ['Hosts', summary.hosts],
              ['Profile', <><code>{file}</code> <span class="soft small">SHA-256 {sha256.slice(0, 12)}…</span></>],
              ['Program', `hsmfleet ${version}`],
            ]} />
          </Section>
          <Results id={id} />
          <Section title="Controls"><ControlTable states={controls} /></Section>
        </>
      )}</Answer>
    </Page>
  );
}

function Results({ id }: { id: string }) {
  const [outcome, setOutcome] = useQueryParameter('outcome');
  const results = useList<HostResult>(hrefOf('/checks/:check/results', { check: id }, { outcome: outcome === '' ? 'fail' : outcome, limit: '200' }));
  return (
    <Section title="Results" aside={(
      <div class="row">
        <label for="outcome">Outcome</label>
        <select id="outcome" class="narrow" value={outcome === '' ? 'fail' : outcome} onChange={(event) => setOutcome(event.currentTarget.value)}>
          {OUTCOMES.map((name) => <option key={name} value={name}>{OUTCOME_WORDS[name]}</option>)}
        </select>
      </div>
    )}>
      <Answer of={results}>{({ items }) => (
        <div class="stack tight">
          <ResultsTable results={items} label="Results" by="control-and-host" empty="No result is like that." rest={<MoreOf list={results} noun="results" />} />
        </div>
      )}</Answer>
    </Section>
  );
}
