const STEPS: readonly { unit: string; ms: number }[] = [
  { unit: 'd', ms: 86_400_000 }, { unit: 'h', ms: 3_600_000 }, { unit: 'min', ms: 60_000 }, { unit: 's', ms: 1_000 },
];

/** A time span in one unit, rounded down: "3 d", "14 h", "5 min", "12 s". Two of a unit are needed before days and hours are used, so "1 d" never hides 23 hours. */
export function formatAge(milliseconds: number): string {
  const step = STEPS.find(({ unit, ms }) => milliseconds >= (unit === 's' ? 0 : unit === 'min' ? ms : 2 * ms)) ?? { unit: 's', ms: 1_000 };
  return `${String(Math.max(0, Math.floor(milliseconds / step.ms)))} ${step.unit}`;
}

/** How old evidence is at an instant, both ISO 8601; undefined when one of them is no instant. */
export function ageOf(evidenceAt: string, now: string): number | undefined {
  const age = Date.parse(now) - Date.parse(evidenceAt);
  return Number.isNaN(age) ? undefined : Math.max(0, age);
}
