/** Buttons below a table that shows a page at a time; pages count from 0. */
export function TablePager({ label, page, pages, turn }: { label: string; page: number; pages: number; turn(page: number): void }) {
  return (
    <nav aria-label={`Pages of ${label}`}>
      <button type="button" disabled={page === 0} onClick={() => turn(page - 1)}>Previous</button>
      <span>page {page + 1} of {pages}</span>
      <button type="button" disabled={page === pages - 1} onClick={() => turn(page + 1)}>Next</button>
    </nav>
  );
}
