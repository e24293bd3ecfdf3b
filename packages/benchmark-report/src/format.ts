/** A number with so many decimals, never as exponent; minus zero is zero. */
export function fixed(value: number, decimals: number): string {
  return (Object.is(value, -0) ? 0 : value).toFixed(decimals);
}

/** Percent without the sign; what is below 100 is never rounded up to it. */
export function percent(value: number): string {
  if (value >= 100) return '100';
  return fixed(Math.floor(value * 100) / 100, 2);
}

/** Seconds: short ones with milliseconds. */
export function seconds(value: number): string {
  return fixed(value, value < 1 ? 3 : 2);
}

/** How many times as much: "×1.82"; a dash when there is nothing to compare with. */
export function ratio(value: number, base: number): string {
  if (base <= 0) return '–';
  const times = value / base;
  return `×${times >= 10 ? fixed(times, 0) : times >= 0.1 || times === 0 ? fixed(times, 2) : times.toPrecision(1)}`;
}

/** The text, with the middle left out when it is longer. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  const tail = Math.floor((length - 1) / 3);
  return `${characters.slice(0, length - 1 - tail).join('').trimEnd()}…${characters.slice(-tail).join('').trimStart()}`;
}

/** "1 user", "5 users". */
export function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}
