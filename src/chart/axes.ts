/** Axes and legends that all charts share. */
import { type Colours, coordinate, element, label } from './svg.ts';

/** The drawing area inside a picture, in pixels. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Tick {
  /** Pixel on the axis. */
  readonly at: number;
  readonly text: string;
}

/** Ticks under the frame, with a base line. */
export function bottomAxis(frame: Frame, ticks: readonly Tick[], colours: Colours): string {
  return [
    element('path', { d: `M${frame.left},${frame.bottom}H${frame.right}`, stroke: colours.muted }),
    ...ticks.map(({ at, text }) => label(text, { x: at, y: frame.bottom + 15, 'text-anchor': 'middle', fill: colours.muted })),
  ].join('');
}

/** Ticks left of the frame, with grid lines across it. */
export function leftAxis(frame: Frame, ticks: readonly Tick[], colours: Colours): string {
  return ticks
    .map(
      ({ at, text }) =>
        element('path', { d: `M${frame.left},${coordinate(at)}H${frame.right}`, stroke: colours.grid }) +
        label(text, { x: frame.left - 6, y: at + 4, 'text-anchor': 'end', fill: colours.muted }),
    )
    .join('');
}

/** Title at the top left, and the legend at the top right. */
export function heading(
  frame: Frame,
  title: string,
  entries: readonly { readonly text: string; readonly colour: string }[],
  colours: Colours,
): string {
  const parts = [label(title, { x: frame.left, y: 14, 'font-weight': 'bold', fill: colours.text })];
  let right = frame.right;
  for (const entry of entries.toReversed()) {
    parts.push(label(entry.text, { x: right, y: 14, 'text-anchor': 'end', fill: colours.muted }));
    right -= entry.text.length * 6.6 + 8;
    parts.push(element('rect', { x: right - 7, y: 6, width: 9, height: 9, rx: 2, fill: entry.colour }));
    right -= 18;
  }
  return parts.join('');
}

/** A number for an axis or a bar: three significant digits. */
export function numberText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace('e+', 'e');
  return size >= 1_000 ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',') : String(Number(value.toPrecision(3)));
}

/** A share as per cent, with a digit more where it is small. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent < 0.01) return percent <= 1e-9 ? '0 %' : '<0.01 %';
  return `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
}
