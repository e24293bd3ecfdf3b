import { OperationFailure } from './operand.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const COMPOSED: Record<string, string> = { D: '%m/%d/%y', F: '%Y-%m-%d', T: '%H:%M:%S', R: '%H:%M', r: '%I:%M:%S %p', c: '%a %b %e %H:%M:%S %Y', x: '%m/%d/%y', X: '%H:%M:%S', h: '%b' };

/** C's strftime in the C locale; the local time zone unless `utc`. @throws OperationFailure for a directive that is not known */
export function formatTime(format: string, seconds: number, utc: boolean): string {
  const date = new Date(Math.trunc(seconds) * 1000);
  // the fields of local time, read as UTC
  const shifted = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return format.replace(/%-?([a-zA-Z%])/g, (whole, directive: string) => {
    const composed = COMPOSED[directive];
    if (composed !== undefined) return formatTime(composed, seconds, utc);
    const text = field(directive, shifted, date, utc);
    return whole.startsWith('%-') ? text.replace(/^[0 ]+(?=\d)/, '') : text;
  });
}

function field(directive: string, at: Date, real: Date, utc: boolean): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const dayOfYear = Math.floor((Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) - Date.UTC(at.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
  const iso = isoWeek(at);
  switch (directive) {
    case 'Y': return String(at.getUTCFullYear());
    case 'y': return two(at.getUTCFullYear() % 100);
    case 'C': return two(Math.floor(at.getUTCFullYear() / 100));
    case 'm': return two(at.getUTCMonth() + 1);
    case 'd': return two(at.getUTCDate());
    case 'e': return String(at.getUTCDate()).padStart(2);
    case 'H': return two(at.getUTCHours());
    case 'I': return two(at.getUTCHours() % 12 === 0 ? 12 : at.getUTCHours() % 12);
    case 'M': return two(at.getUTCMinutes());
    case 'S': return two(at.getUTCSeconds());
    case 'p': return at.getUTCHours() < 12 ? 'AM' : 'PM';
    case 'j': return String(dayOfYear).padStart(3, '0');
    case 'a': return (DAYS[at.getUTCDay()] as string).slice(0, 3);
    case 'A': return DAYS[at.getUTCDay()] as string;
    case 'b': return (MONTHS[at.getUTCMonth()] as string).slice(0, 3);
    case 'B': return MONTHS[at.getUTCMonth()] as string;
    case 'u': return String(at.getUTCDay() === 0 ? 7 : at.getUTCDay());
    case 'w': return String(at.getUTCDay());
    case 'U': return two(Math.floor((dayOfYear + 6 - at.getUTCDay()) / 7));
    case 'W': return two(Math.floor((dayOfYear + 6 - ((at.getUTCDay() + 6) % 7)) / 7));
    case 'V': return two(iso.week);
    case 'G': return String(iso.year);
    case 's': return String(Math.floor(real.getTime() / 1000));
    case 'z': return offset(utc ? 0 : -real.getTimezoneOffset());
    case '%': return '%';
    default: throw new OperationFailure(`strftime does not know %${directive}`);
  }
}

function offset(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}${String(rest).padStart(2, '0')}`;
}

function isoWeek(at: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 4 - (at.getUTCDay() === 0 ? 7 : at.getUTCDay())));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 / 7) + 1 };
}
