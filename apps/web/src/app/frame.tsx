import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useSession } from './api/session.tsx';
import { toApiError } from './api/use-data.ts';
import { usePlace } from './routing/router.tsx';
import { ThemeChoice } from './ui/theme-choice.tsx';

/** Pages that the navigation leads to; a page below one of them belongs to it. */
const PLACES: readonly { href: string; name: string; also?: string }[] = [
  { href: '/', name: 'Overview' },
  { href: '/hosts', name: 'Hosts' },
  { href: '/controls', name: 'Controls', also: '/checks' },
  { href: '/certificates', name: 'Certificates' },
  { href: '/runs', name: 'Runs' },
  { href: '/query', name: 'Query' },
  { href: '/benchmarks', name: 'Benchmarks' },
  { href: '/schedules', name: 'Schedules' },
];

/** What stands around every page: skip link, navigation, who is logged in, the choice of colours. */
export function Frame({ children }: { children: ComponentChildren }) {
  const { path } = usePlace();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  return (
    <>
      <a class="skip" href="#content">Skip to content</a>
      <div class="frame">
        <header class="bar" data-open={open ? 'true' : undefined} onKeyDown={(event) => { if (event.key === 'Escape') setOpen(false); }}>
          <div class="bar-top">
            <a class="brand" href="/"><img src="/favicon.svg" alt="" width="24" height="24" />hsmfleet</a>
            <button type="button" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>Menu</button>
          </div>
          <div class="bar-menu" id="menu">
            <nav aria-label="Pages">
              <ul class="pages">
                {PLACES.map(({ href, name, also }) => (
                  <li key={href}><a href={href} aria-current={currentOf(path, href, also)}>{name}</a></li>
                ))}
              </ul>
            </nav>
            <Who />
          </div>
        </header>
        <main id="content" tabIndex={-1}>{children}</main>
      </div>
    </>
  );
}

function currentOf(path: string, href: string, also: string | undefined): 'page' | 'true' | undefined {
  if (path === href) return 'page';
  const below = (place: string): boolean => place !== '/' && path.startsWith(`${place}/`);
  return below(href) || (also !== undefined && below(also)) ? 'true' : undefined;
}

function Who() {
  const { session, logOut } = useSession();
  const [problem, setProblem] = useState('');
  if (session === null || session === undefined) return null;
  return (
    <div class="who">
      <ThemeChoice />
      <div class="row apart">
        <span class="small"><strong>{session.user}</strong> <span class="soft">{session.role}</span></span>
        {/* a bearer token or an open loopback has no session to end */}
        {session.csrf !== null && <button type="button" onClick={() => { logOut().catch((error: unknown) => setProblem(toApiError(error).message)); }}>Sign out</button>}
      </div>
      {problem !== '' && <p class="small" role="alert">{problem}</p>}
    </div>
  );
}
