import type { RunEvent } from '@hsmfleet/contract';
import type {
  BenchmarkList, CertificateList, CertificatesQuery, CheckDetail, CheckList, ControlDetail, ControlList, ControlQuery, HostDetail, HostList,
  HostsQuery, Overview, QueryAnswer, QueryList, QueryRequest, ResultList, ResultsQuery, RunDetail, RunHostDetail, RunList, ScheduleList,
  ScheduleStart, ViewList,
} from './schemas/index.ts';

/** A query with its defaults filled in, as a handler sees it. */
export type Paged<T extends { limit?: number }> = T & { limit: number };

/** A part of a list. */
export interface PageRequest {
  limit: number;
  after?: string;
}

/** An event with the place to go on from. */
export interface PositionedEvent {
  position: string;
  event: RunEvent;
}

/**
 * Where the dashboard's answers come from. Methods that look for one thing answer undefined when there is none; whatever they
 * throw is an HsmfleetError: USAGE is the asker's mistake and shown, all others are shown without details.
 */
export interface DashboardData {
  overview(): Promise<Overview>;
  hosts(query: Paged<HostsQuery>): Promise<HostList>;
  host(name: string): Promise<HostDetail | undefined>;
  controls(): Promise<ControlList>;
  control(id: string, query: Paged<ControlQuery>): Promise<ControlDetail | undefined>;
  certificates(query: Paged<CertificatesQuery>): Promise<CertificateList>;
  runs(query: PageRequest): Promise<RunList>;
  run(id: string): Promise<RunDetail | undefined>;
  runHost(id: string, host: string): Promise<RunHostDetail | undefined>;
  /** Events of a run after a position, oldest first, `limit` at most. */
  runEvents(id: string, after: string | undefined, limit: number): Promise<PositionedEvent[]>;
  checks(query: PageRequest): Promise<CheckList>;
  check(id: string): Promise<CheckDetail | undefined>;
  checkResults(id: string, query: Paged<ResultsQuery>): Promise<ResultList | undefined>;
  views(): Promise<ViewList>;
  queries(): Promise<QueryList>;
  /** Runs a statement of a person's. That it only reads, and only the views, is seen to by the database. */
  query(request: QueryRequest & { maxRows: number }): Promise<QueryAnswer>;
  benchmarks(): Promise<BenchmarkList>;
}

/** What the dashboard sees of schedules, and the one thing that it may start. */
export interface ScheduleControl {
  list(): Promise<ScheduleList>;
  /**
   * Starts a schedule's turn now. Answers undefined when there is no such schedule, and 'busy' when it runs already.
   * @param user who asked, for the log and the check
   */
  run(name: string, user: string): Promise<ScheduleStart | 'busy' | undefined>;
}
