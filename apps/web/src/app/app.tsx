import { Frame } from './frame.tsx';
import { SessionProvider, useSession } from './api/session.tsx';
import { ErrorNotice, Loading } from './ui/notice.tsx';
import { BenchmarksPage } from './pages/benchmarks.tsx';
import { CertificatesPage } from './pages/certificates.tsx';
import { CheckPage } from './pages/check.tsx';
import { ControlPage } from './pages/control.tsx';
import { ControlsPage } from './pages/controls.tsx';
import { HostPage } from './pages/host.tsx';
import { HostsPage } from './pages/hosts.tsx';
import { LoginPage } from './pages/login.tsx';
import { MissingPage } from './pages/missing.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { QueryPage } from './pages/query.tsx';
import { RunPage } from './pages/run.tsx';
import { RunHostPage } from './pages/run-host.tsx';
import { RunsPage } from './pages/runs.tsx';
import { SchedulesPage } from './pages/schedules.tsx';
import { Pages, PlaceProvider, usePlace, type Route } from './routing/router.tsx';

/** Every page and its address. */
const ROUTES: readonly Route[] = [
  { pattern: '/', page: OverviewPage },
  { pattern: '/hosts', page: HostsPage },
  { pattern: '/hosts/:host', page: HostPage },
  { pattern: '/controls', page: ControlsPage },
  { pattern: '/controls/:control', page: ControlPage },
  { pattern: '/checks/:check', page: CheckPage },
  { pattern: '/certificates', page: CertificatesPage },
  { pattern: '/runs', page: RunsPage },
  { pattern: '/runs/:run', page: RunPage },
  { pattern: '/runs/:run/hosts/:host', page: RunHostPage },
  { pattern: '/query', page: QueryPage },
  { pattern: '/benchmarks', page: BenchmarksPage },
  { pattern: '/schedules', page: SchedulesPage },
];

/** The dashboard. */
export function App() {
  return (
    <PlaceProvider>
      <SessionProvider>
        <Gate />
      </SessionProvider>
    </PlaceProvider>
  );
}

/** Pages are for those who are logged in. */
function Gate() {
  const { session, error } = useSession();
  const { path } = usePlace();
  if (error !== undefined) return <div class="login"><main><h1 class="unseen">hsmfleet</h1><ErrorNotice error={error} retry={() => location.reload()} /></main></div>;
  if (session === undefined) return <div class="login"><main><h1 class="unseen">hsmfleet</h1><Loading /></main></div>;
  if (path === '/login' || session === null) return <LoginPage />;
  return (
    <Frame>
      <Pages routes={ROUTES} otherwise={MissingPage} />
    </Frame>
  );
}
