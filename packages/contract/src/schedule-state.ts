/** What is known of a schedule beyond its declaration, and has to outlive the process that keeps to it. Times are ISO 8601. */
export interface ScheduleState {
  name: string;
  /** What was due up to then is dealt with. At first the time at which the schedule was first seen. */
  lastDueAt: string | null;
  lastStartedAt: string | null;
  lastFinishedAt: string | null;
  /** Id of the run that is under way, or was when the process ended. */
  running: string | null;
  /** How the last one ended: what the run answered, or how the scheduler had to end it. */
  outcome: string | null;
  /** Why it did not end well. */
  error: string | null;
}
