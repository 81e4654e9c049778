/** The picture of an issue: what `chart/` makes of the event's picture, in the words of the issue, with no more values than those may show. */
import type { Attachment } from '@sentry/core';
import { incidentPicture } from '../chart/incidentPicture.ts';
import { pngOf } from '../chart/png.ts';
import { type EventRecord, sinceOf } from '../core/incident/event.ts';
import { isPrivate, type Sensitive } from './privacy.ts';
import { issueLine, issueTitle } from './wording.ts';

/** Sentry shows an attachment on the page of the issue if its name holds this word. */
const fileName = 'screenshot.png';

/** SVG text of an event's picture; null for an event without one. Pure: a repeated delivery sends the same picture. */
export function pictureSvg(event: EventRecord, sensitive: Sensitive): string | null {
  if (event.picture === undefined) return null;
  return incidentPicture(event.picture, {
    title: issueTitle(event, sensitive),
    line: issueLine(event, sensitive),
    step: event.step,
    severity: event.severity,
    start: sinceOf(event),
    isWithheld: isPrivate(event.picture.series, sensitive),
  });
}

/** The picture of an event as what goes along with it to Sentry: none for an event without one. Rejects where it cannot be drawn. */
export async function pictureAttachments(event: EventRecord, sensitive: Sensitive): Promise<readonly Attachment[]> {
  const svg = pictureSvg(event, sensitive);
  return svg === null ? [] : [{ filename: fileName, contentType: 'image/png', data: await pngOf(svg) }];
}
