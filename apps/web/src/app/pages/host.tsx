import type { HostDetail } from '@hsmfleet/web-api/schemas';
import { useData } from '../api/use-data.ts';
import { hrefOf, type PathParameters } from '../routing/match-path.ts';
import { Breakable } from '../ui/breakable.tsx';
import { OutcomeBadge, PinBadge, StateBadge } from '../ui/marks.tsx';
import { Answer } from '../ui/notice.tsx';
import { Facts, Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { countOf } from '../ui/words.ts';
import { CertificateSection, CustodySection, HostRuns, KeySection, ModuleSection, NssSection, SiteSection } from './host-parts.tsx';
import { FurtherInventory } from './further-inventory.tsx';
import { ResultsTable } from './results-table.tsx';

/** Everything that is known of a host. */
export function HostPage({ parameters }: { parameters: PathParameters }) {
  const name = parameters['host'] ?? '';
  const host = useData<HostDetail>(hrefOf('/hosts/:host', { host: name }), 60);
  return (
    <Page title={<Breakable text={name} />} name={name} within={{ href: '/hosts', name: 'Hosts' }}
      lead={host.data !== undefined && <span class="row"><OutcomeBadge outcome={host.data.summary.outcome} /> <StateBadge state={host.data.summary.state} /> <span>inventory from <Time at={host.data.summary.collectedAt} /></span></span>}>
      <Answer of={host}>{(data) => <Known host={data} />}</Answer>
    </Page>
  );
}

function Known({ host }: { host: HostDetail }) {
  const { summary } = host;
  const open = host.results.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'not_applicable');
  const quiet = host.results.filter(({ outcome }) => outcome === 'pass' || outcome === 'not_applicable');
  return (
    <>
      {summary.problem !== null && <div class="notice error"><strong>The last try to read this host failed.</strong><p>{summary.problem}</p></div>}
      {host.lastError !== null && host.lastError !== summary.problem && <div class="notice fail"><strong>The last run failed here.</strong><p>{host.lastError}</p></div>}
      <div class="columns">
        <Section title="System">
          <Facts facts={[
            ['Name', host.fqdn],
            ['Address', host.address],
            ['System', `${summary.distribution ?? ''} ${summary.distributionVersion ?? ''}`.trim()],
            ['Kernel', host.kernel === null ? null : `${host.kernel} ${host.architecture ?? ''}`],
            ['Web server', host.apacheService],
            ['Agent', host.agent === null ? null : `${host.agent}, Node ${host.node ?? 'unknown'}`],
            ['Last seen', <Time at={summary.lastSeenAt} exact />],
            ['First seen', <Time at={host.firstSeenAt} exact />],
            ['Evidence', host.evidence === null ? null : host.evidence === 'passive' ? 'passive: tokens were left alone, since reading them would disturb the site' : `${host.evidence}${host.disturbed === true ? ', and reading disturbed a serving site' : ''}`],
          ]} />
        </Section>
        <Section title="Tokens" aside={<span class="soft">{countOf(host.tokens.length, 'token')}</span>}>
          {host.tokens.length === 0 ? <p class="empty">No token was seen.</p> : host.tokens.map((token) => (
            <div key={`${token.module} ${token.identity}`} class="stack tight">
              <div class="row"><h3>{token.label}</h3><span class="row"><span class="soft small">PIN</span><PinBadge state={token.pinState} /></span></div>
              <Facts facts={[
                ['Serial', token.serial],
                ['Kind', `${token.manufacturer} ${token.model}`.trim()],
                ['Reader', token.slotDescription],
                ['Holds', `${countOf(token.keys, 'key')}, ${countOf(token.certificates, 'certificate')}`],
                ['Seen through', <code><Breakable text={token.module} /></code>],
                ['Identity', <code class="small">{token.identity}</code>],
                ['Flags', <span class="small">{token.flags.join(' ')}</span>],
              ]} />
            </div>
          ))}
        </Section>
      </div>
      <Section title="Controls that ask for attention" aside={<span class="soft">{countOf(open.length, 'result')}</span>}>
        <ResultsTable results={open} label="Controls that ask for attention" by="control" empty={host.results.length === 0 ? 'No check has looked at this host.' : 'Every control is met or does not apply.'} />
        {quiet.length > 0 && (
          <details>
            <summary>{countOf(quiet.length, 'control')} met or not applicable</summary>
            <ResultsTable results={quiet} label="Controls that are met or do not apply" by="control" empty="" />
          </details>
        )}
      </Section>
      <CertificateSection host={host} />
      <KeySection host={host} />
      <ModuleSection host={host} />
      <SiteSection host={host} />
      <NssSection host={host} />
      <CustodySection host={host} />
      <FurtherInventory host={summary.host} />
      <HostRuns host={host} />
    </>
  );
}
