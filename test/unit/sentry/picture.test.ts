import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseEvent } from '../../../src/core/incident/parseEvent.ts';
import { pictureAttachments, pictureSvg } from '../../../src/sentry/picture.ts';
import { event } from '../../support/events.ts';
import { pictures } from '../../support/pictures.ts';

const none = new Set<string>();
const svgOf = (name: keyof typeof pictures, sensitive = none) => pictureSvg(pictures[name], sensitive) ?? '';

/** Words that a person reads, without those for screen readers. */
function words(svg: string): string {
  return [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text).join(' | ');
}

/** Size, palette and rows of an indexed PNG. */
function decoded(png: Uint8Array): { width: number; height: number; colours: number; rows: Uint8Array } {
  const bytes = Buffer.from(png);
  let palette = 0;
  const data: Buffer[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'PLTE') palette = length / 3;
    if (type === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), colours: palette, rows: inflateSync(Buffer.concat(data)) };
}

describe('what a picture shows', () => {
  it('of a number: both distributions with their sizes, the effect over time, the limit, and when it opened', () => {
    const text = words(svgOf('numeric'));
    for (const part of [
      'Data drift: fraud / amount',
      'warning · opened',
      'baseline, n = 512,000',
      'now, n = 48,210',
      'Shift of the mean (sigma)',
      'opens at 0.12',
      'opened 09:40',
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/median [\d.]+ → [\d.]+/);
  });

  it('of a category: its share on both sides, in words and bars', () => {
    const text = words(svgOf('category'));
    for (const part of ['NL', 'US', 'Change of the share of NL']) expect(text).toContain(part);
  });

  it('of missing values: the rate over time and what was expected', () => {
    const text = words(svgOf('missing'));
    expect(text).toContain('age: rows without a value');
    expect(text).toContain('dotted: expected');
    expect(text).toContain('opens at 1.5 %');
  });

  it('of performance: the metric with its interval, the version, and the coverage', () => {
    const svg = svgOf('accuracy');
    const text = words(svg);
    for (const part of ['Accuracy', 'version 8', '95 % interval', 'share of predictions with a label', 'escalated'])
      expect(text).toContain(part);
    expect(svg).toMatch(/fill-opacity/);
  });

  it('of a sensitive feature: how far it moved, and none of its values', () => {
    const svg = svgOf('sensitive', new Set(['email']));
    expect(svg).not.toContain('planted-category');
    expect(words(svg)).toContain('values withheld');
    expect(svgOf('sensitive')).toContain('planted-category');
  });

  it.each(Object.keys(pictures) as (keyof typeof pictures)[])('is readable, and fits: %s', (name) => {
    const svg = svgOf(name);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|<script/);
    // At the two thirds that an issue page has room for, the smallest words are still 9 pixels.
    for (const [, size] of svg.matchAll(/font-size="([\d.]+)"/g)) expect(Number(size)).toBeGreaterThanOrEqual(13);
    expect(svgOf(name)).toBe(svg);
  });

  it('is nothing for an event without one', () => {
    expect(pictureSvg(event('a', 0, 'reminded'), none)).toBeNull();
  });

  it('comes through the events topic unchanged, in at most 4 KB', () => {
    for (const one of Object.values(pictures)) {
      const text = JSON.stringify(one);
      expect(parseEvent(new TextEncoder().encode(text))).toEqual(one);
      expect(JSON.stringify(one.picture).length).toBeLessThan(4_096);
    }
  });
});

describe('the PNG', () => {
  it.each(Object.keys(pictures) as (keyof typeof pictures)[])('is drawn, with words in it, in at most 60 KB: %s', async (name) => {
    const [attachment] = await pictureAttachments(pictures[name], none);
    expect(attachment?.filename).toContain('screenshot');
    const png = attachment?.data;
    if (!(png instanceof Uint8Array)) throw new Error('no bytes');
    expect(png.byteLength).toBeLessThanOrEqual(60 * 1024);
    const { width, height, colours, rows } = decoded(png);
    expect({ width, height }).toEqual({ width: 900, height: 480 });
    // Letters are many shades of grey: a picture whose fonts were not found has a handful of colours, and hardly a dark pixel where its title stands.
    expect(colours).toBeGreaterThan(40);
    const ground = rows[20 * (width + 1) + 500];
    let inked = 0;
    for (let y = 20; y < 45; y++) for (let x = 20; x < 300; x++) if (rows[y * (width + 1) + 1 + x] !== ground) inked++;
    expect(inked).toBeGreaterThan(600);
    expect((await pictureAttachments(pictures[name], none))[0]?.data).toEqual(png);
  });
});
