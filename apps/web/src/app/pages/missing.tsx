import { Page } from '../ui/page.tsx';

/** An address that leads nowhere. */
export function MissingPage() {
  return (
    <Page title="No such page" name="No such page">
      <p>The address leads nowhere. <a href="/">Back to the overview</a></p>
    </Page>
  );
}
