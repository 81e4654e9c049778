/** Times and spans in the words of the demo. */
import { minuteMs } from '../core/duration.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** ` 5 Feb 17:00`, always 12 characters. */
export function shortTime(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  const month = months[Number(iso.slice(5, 7)) - 1] ?? '';
  return `${String(Number(iso.slice(8, 10))).padStart(2)} ${month} ${iso.slice(11, 16)}`;
}

/** `2001-02-05`. */
export function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** `1 h 30 min`. */
export function spanText(milliseconds: number): string {
  const minutes = Math.round(milliseconds / minuteMs);
  const parts = [minutes >= 60 ? `${Math.floor(minutes / 60)} h` : '', minutes % 60 > 0 ? `${minutes % 60} min` : ''];
  return parts.filter((part) => part !== '').join(' ') || '0 min';
}
