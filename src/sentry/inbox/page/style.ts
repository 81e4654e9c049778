/**
 * The look of the inbox: one sheet, light and dark, no script, no font to fetch. Levels are told apart by word and shape first; their colours are
 * Okabe and Ito's, which stay apart for colour-blind eyes, darkened or lightened to a contrast of at least 4.5 : 1 on their ground.
 */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #0f1318);
  --card: light-dark(#ffffff, #171c23);
  --sunk: light-dark(#f1f3f6, #11161c);
  --line: light-dark(#e1e5ea, #2a323c);
  --ink: light-dark(#17202b, #e8edf3);
  --soft: light-dark(#586474, #9aa7b6);
  --accent: light-dark(#0b6470, #5cc3cf);
  --error: light-dark(#a8431a, #f0884f);
  --error-ground: light-dark(#fdeee6, #3a2118);
  --warning: light-dark(#7d5a00, #e6b030);
  --warning-ground: light-dark(#fdf4d9, #332a12);
  --info: light-dark(#005a92, #6ab8e8);
  --info-ground: light-dark(#e6f2fa, #13293a);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
.frame { max-width: 1160px; margin: 0 auto; padding: 0 24px; }
.bar { background: var(--card); border-bottom: 1px solid var(--line); }
.bar .frame { display: flex; align-items: center; gap: 12px; min-height: 60px; flex-wrap: wrap; }
.brand { display: flex; align-items: center; gap: 10px; font-weight: 650; letter-spacing: -.01em; color: var(--ink); }
.brand:hover { text-decoration: none; }
.brand svg { width: 26px; height: 26px; color: var(--accent); flex: none; }
.bar .note { color: var(--soft); font-size: 13px; margin-left: auto; }
main.frame { padding-top: 28px; padding-bottom: 64px; }
h1 { font-size: 24px; line-height: 1.3; letter-spacing: -.015em; font-weight: 680; margin: 0; }
h2 { font-size: 13px; font-weight: 650; margin: 0; color: var(--soft); letter-spacing: .01em; }
.lead { color: var(--soft); margin: 6px 0 0; }
.more { margin-top: 24px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
.tally { display: flex; gap: 18px; flex-wrap: wrap; margin: 0 0 16px; padding: 0; list-style: none; color: var(--soft); font-size: 13.5px; }
.tally b { color: var(--ink); font-weight: 650; }
.level { display: inline-flex; align-items: center; gap: 6px; padding: 2px 10px 2px 8px; border-radius: 99px; font-size: 12.5px; font-weight: 620; white-space: nowrap; }
.level svg { width: 10px; height: 10px; flex: none; }
.level.error { color: var(--error); background: var(--error-ground); }
.level.warning { color: var(--warning); background: var(--warning-ground); }
.level.info { color: var(--info); background: var(--info-ground); }
.states { display: flex; align-items: center; gap: 8px; flex-wrap: wrap; }
.status { display: inline-block; padding: 2px 10px; border-radius: 99px; border: 1px solid var(--line); color: var(--soft); background: var(--sunk); font-size: 12.5px; font-weight: 620; white-space: nowrap; }
.issues .status { margin-top: 6px; }
.issues > .closed .title { color: var(--soft); }
.buttons { margin-left: auto; display: flex; gap: 8px; }
.buttons button { font: inherit; font-size: 13px; font-weight: 600; padding: 4px 14px; border-radius: 8px; border: 1px solid var(--line); background: var(--card); color: var(--accent); cursor: pointer; }
.buttons button:hover { background: var(--sunk); }
.activity { list-style: none; margin: 0; padding: 6px 0; font-size: 13.5px; }
.activity li { padding: 8px 20px; }
.activity li + li { border-top: 1px solid var(--line); }
.activity b { font-weight: 620; }
.activity b::first-letter { text-transform: uppercase; }
.activity span, .activity time { color: var(--soft); }
.activity time { display: block; font-size: 12.8px; }
.note-text { margin: 6px 0 0; white-space: pre-line; }
.issues { list-style: none; margin: 0; padding: 0; }
.issues > li { position: relative; display: grid; grid-template-columns: 104px minmax(0, 1fr) 168px; gap: 4px 20px; padding: 18px 22px; border-top: 1px solid var(--line); }
.issues > li:first-child { border-top: 0; }
.issues > li::before { content: ""; position: absolute; inset: 0 auto 0 0; width: 3px; background: var(--level); }
.issues > li:hover { background: var(--sunk); }
.issues .title { font-weight: 640; font-size: 16px; color: var(--ink); }
.issues .title::after { content: ""; position: absolute; inset: 0; }
.issues .value { margin: 2px 0 8px; color: var(--soft); }
.issues .seen { text-align: right; font-size: 13px; color: var(--soft); }
.issues .seen b { display: block; color: var(--ink); font-size: 15px; font-weight: 640; }
.trail { display: flex; gap: 5px; justify-content: flex-end; margin-top: 8px; }
.trail svg { width: 10px; height: 10px; color: var(--level); }
.chips { display: flex; flex-wrap: wrap; gap: 6px; margin: 0; padding: 0; list-style: none; }
.chip { display: inline-flex; max-width: 100%; border: 1px solid var(--line); border-radius: 6px; font-size: 12.5px; line-height: 1.5; overflow: hidden; background: var(--card); }
.chip span { flex: none; white-space: nowrap; padding: 1px 8px; color: var(--soft); background: var(--sunk); border-right: 1px solid var(--line); }
.chip b { padding: 1px 8px; font-weight: 550; min-width: 0; }
.empty { padding: 56px 28px; text-align: center; }
.empty svg { width: 56px; height: 56px; color: var(--accent); opacity: .8; }
.empty p { max-width: 46em; margin: 10px auto 0; color: var(--soft); }
code, pre { font-family: var(--mono); font-size: 12.8px; }
code.block, pre { display: block; margin: 0; padding: 12px 14px; border-radius: 8px; background: var(--sunk); border: 1px solid var(--line); white-space: pre-wrap; user-select: all; }
.crumbs { font-size: 13.5px; margin-bottom: 14px; }
.head { padding: 22px 24px; border-left: 3px solid var(--level); }
.head h1 { margin-top: 10px; }
.head .line { font-size: 17px; margin: 6px 0 16px; }
time { white-space: nowrap; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 330px; gap: 20px; margin-top: 20px; align-items: start; }
.stack { display: grid; gap: 20px; min-width: 0; }
.section h2 { padding: 13px 20px; border-bottom: 1px solid var(--line); background: var(--sunk); }
.section .body { padding: 16px 20px; }
dl { margin: 0; display: grid; grid-template-columns: minmax(120px, 200px) minmax(0, 1fr); }
dt, dd { margin: 0; padding: 9px 20px; border-top: 1px solid var(--line); }
dl > :nth-child(-n+2) { border-top: 0; }
dt { color: var(--soft); padding-right: 0; }
.parts { list-style: none; margin: 0; padding: 0; color: var(--soft); font-size: 13.5px; display: flex; flex-wrap: wrap; gap: 2px 18px; }
.parts li:first-child { color: var(--ink); font-size: 15px; font-weight: 560; flex-basis: 100%; }
.parts .moved { color: var(--ink); }
.facts dl { grid-template-columns: auto minmax(0, 1fr); font-size: 13.5px; }
.facts dt, .facts dd { padding: 7px 20px; }
.facts dd { padding-left: 14px; }
.facts code { font-size: 12px; }
.timeline { list-style: none; margin: 0; padding: 10px 0; }
.timeline li { position: relative; }
.timeline li::before { content: ""; position: absolute; left: 26px; top: 0; bottom: 0; width: 2px; z-index: 1; background: var(--line); }
.timeline li:first-child::before { top: 22px; }
.timeline li:last-child::before { bottom: calc(100% - 22px); }
.timeline a { display: block; padding: 9px 20px 9px 48px; color: var(--ink); }
.timeline a:hover { background: var(--sunk); text-decoration: none; }
.timeline a[aria-current] { background: var(--sunk); box-shadow: inset 3px 0 0 var(--accent); }
.timeline svg { z-index: 2; position: absolute; left: 19px; top: 15px; width: 16px; height: 16px; padding: 3px; background: var(--card); border-radius: 50%; color: var(--level); }
.timeline a:hover svg, .timeline a[aria-current] svg { background: var(--sunk); }
.timeline b { font-weight: 620; text-transform: capitalize; }
.timeline time { display: block; color: var(--soft); font-size: 12.8px; }
.picture { display: block; max-width: 100%; height: auto; border-radius: 8px; border: 1px solid var(--line); }
figure { margin: 0; }
figure + figure { margin-top: 14px; }
figcaption { color: var(--soft); font-size: 12.8px; margin-top: 6px; }
details summary { cursor: pointer; padding: 13px 20px; color: var(--soft); font-size: 13px; font-weight: 650; background: var(--sunk); }
details pre { border: 0; border-top: 1px solid var(--line); border-radius: 0; max-height: 620px; overflow: auto; }
.is-error { --level: var(--error); }
.is-warning { --level: var(--warning); }
.is-info { --level: var(--info); }
@media (max-width: 860px) {
  .frame { padding: 0 16px; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .issues > li { grid-template-columns: minmax(0, 1fr) auto; padding: 16px 18px; }
  .issues .what { grid-column: 1 / -1; grid-row: 2; margin-top: 6px; }
  .issues .seen b { display: inline; font-size: 13px; }
  .bar .frame { padding-top: 14px; padding-bottom: 12px; gap: 2px 12px; }
  .bar .note { margin-left: 0; width: 100%; }
  .columns > .stack { display: contents; }
  .columns .timeline-card { order: -1; }
  .trail { display: none; }
}
@media (max-width: 520px) {
  h1 { font-size: 20px; }
  main.frame { padding-top: 20px; }
  dl { grid-template-columns: minmax(0, 1fr); }
  dl > :nth-child(2) { border-top: 0; }
  dt { padding: 10px 18px 0; font-size: 13px; }
  dd { border-top: 0; padding: 0 18px 10px; }
  dl > dt:nth-child(n+3) { border-top: 1px solid var(--line); }
  .facts dl { grid-template-columns: auto minmax(0, 1fr); }
  .facts dt, .facts dd { padding: 7px 18px; font-size: 13.5px; border-top: 0; }
  .head { padding: 18px; }
}
@media print { .bar .note, .crumbs { display: none; } }
`;
