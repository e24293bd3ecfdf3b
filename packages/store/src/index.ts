export { openStore, type RunSummaryRow, type Store } from './store.ts';
export type { StoredArtifact } from './artifacts.ts';
export { BlobFiles, type BlobDraft } from './blob-files.ts';
export { defaultStorePath } from './store-path.ts';
export { describeFreshness, type Freshness } from './freshness.ts';
export { FRESH_HOURS, VIEWS, type View, type ViewColumn } from './views.ts';
export { SCHEMA_VERSION } from './migrations.ts';
export type { QueryCell, QueryOptions, QueryResult } from './query.ts';
