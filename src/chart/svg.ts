/**
 * The little that charts need to write SVG as text. Charts are pure functions to text: same input, same bytes, no ids that could clash where
 * several are put into one page.
 */

export type Attributes = Readonly<Record<string, string | number>>;

/** Colours of a chart. Blue and vermilion are told apart by people with any colour-blindness (Okabe and Ito, 2008), and differ in lightness. */
export interface Colours {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly baseline: string;
  readonly current: string;
  readonly alarm: string;
  /** What the chart stands on: around words that lie on lines. */
  readonly surface: string;
}

/** For charts inlined in a page: the page sets the variables (for light and dark); where it does not, the light colours hold. */
export const pageColours: Colours = {
  text: 'var(--chart-text, #1f2933)',
  muted: 'var(--chart-muted, #5f6b7a)',
  grid: 'var(--chart-grid, #e3e7ec)',
  baseline: 'var(--chart-baseline, #0072b2)',
  current: 'var(--chart-current, #d55e00)',
  alarm: 'var(--chart-alarm, #b00020)',
  surface: 'var(--chart-surface, #ffffff)',
};

/** For pictures that stand on their own, on white: numbers, not variables. Limits and moments are told apart by dashes and words, never by colour alone. */
export const pictureColours: Colours = {
  text: '#1f2933',
  muted: '#52606d',
  grid: '#e3e7ec',
  baseline: '#0072b2',
  current: '#d55e00',
  alarm: '#1f2933',
  surface: '#ffffff',
};

/** One element; children are SVG text already. Attribute values are escaped; numbers are rounded to hundredths of a pixel. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escaped(value)}"`,
  );
  return children.length === 0 ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${children.join('')}</${name}>`;
}

/** A text element; the content is escaped. */
export function label(content: string, attributes: Attributes): string {
  return element('text', attributes, escaped(content));
}

/** Text for SVG and HTML, in elements and in quoted attributes. Control characters, which XML forbids, become a replacement character. */
export function escaped(content: string): string {
  return content
    .replace(/[\p{Cc}\p{Cs}]/gu, (character) => (character === '\n' || character === '\t' ? ' ' : '\ufffd'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A coordinate as short text. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Where and how large a chart is, and how it looks. */
export interface ChartOptions {
  readonly title: string;
  readonly width?: number;
  readonly height?: number;
  readonly colours?: Colours;
  /** Of most words, in pixels; margins go with it. */
  readonly fontSize?: number;
  /** Place inside a larger picture. */
  readonly at?: { readonly x: number; readonly y: number };
}

/** Of charts in a page. */
export const pageFontSize = 11;

/** The whole picture with its description for screen readers. */
export function picture(
  { width, height, at, fontSize = pageFontSize }: ChartOptions & { readonly width: number; readonly height: number },
  description: string,
  ...children: readonly string[]
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...at,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': description,
      'font-family': "'DejaVu Sans', Verdana, sans-serif",
      'font-size': fontSize,
    },
    ...children,
  );
}
