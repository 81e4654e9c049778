/** Axes and legends that all charts share. */
import { type Colours, coordinate, element, label } from './svg.ts';
import { fitted, textWidth } from './textWidth.ts';

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

/** What all parts of a chart have in common. */
export interface Look {
  readonly colours: Colours;
  readonly fontSize: number;
}

/** Ticks under the frame, with a base line. */
export function bottomAxis(frame: Frame, ticks: readonly Tick[], { colours, fontSize }: Look): string {
  return [
    element('path', { d: `M${frame.left},${coordinate(frame.bottom)}H${frame.right}`, stroke: colours.muted }),
    ...ticks.map(({ at, text }) => label(text, { x: at, y: frame.bottom + fontSize * 1.36, 'text-anchor': 'middle', fill: colours.muted })),
  ].join('');
}

/** Ticks left of the frame, with grid lines across it. */
export function leftAxis(frame: Frame, ticks: readonly Tick[], { colours, fontSize }: Look): string {
  return ticks
    .map(
      ({ at, text }) =>
        element('path', { d: `M${frame.left},${coordinate(at)}H${frame.right}`, stroke: colours.grid }) +
        label(text, { x: frame.left - 6, y: at + fontSize * 0.36, 'text-anchor': 'end', fill: colours.muted }),
    )
    .join('');
}

/** Title at the top left. */
export function heading(frame: Frame, title: string, { colours, fontSize }: Look): string {
  const text = fitted(title, frame.right - frame.left, fontSize, true);
  return label(text, { x: frame.left, y: fontSize * 1.27, 'font-weight': 'bold', fill: colours.text });
}

/** Coloured squares with their words, from the left of a line of their own. */
export function legend(
  left: number,
  y: number,
  entries: readonly { readonly text: string; readonly colour: string }[],
  { colours, fontSize }: Look,
): string {
  const side = fontSize * 0.8;
  let x = left;
  return entries
    .map(({ text, colour }) => {
      const at = x;
      x += side * 1.6 + textWidth(text, fontSize) + fontSize;
      return (
        element('rect', { x: at, y: y - side, width: side, height: side, rx: 2, fill: colour }) +
        label(text, { x: at + side * 1.5, y, fill: colours.muted })
      );
    })
    .join('');
}

/** A number for an axis or a bar: three significant digits. */
export function numberText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace('e+', 'e');
  return size >= 1_000 ? wholeText(value) : String(Number(value.toPrecision(3)));
}

/** A whole number with its thousands grouped. */
export function wholeText(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A share as per cent, with a digit more where it is small. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent < 0.01) return percent <= 1e-9 ? '0 %' : '<0.01 %';
  return `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
}
