/** The look of the page, light and dark, on a screen, a telephone and paper. It also sets the colours of the charts. */
export const pageStyle = `
:root { color-scheme: light dark; --page: #fbfcfd; --card: #fff; --line: #dde3ea; --text: #1f2933; --muted: #5f6b7a; --accent: #0072b2; --alarm: #b00020; --warning: #a35200;
  --chart-text: var(--text); --chart-muted: var(--muted); --chart-grid: #e6eaef; --chart-baseline: #0072b2; --chart-current: #d55e00; --chart-alarm: #b00020; --chart-surface: var(--card); }
@media (prefers-color-scheme: dark) { :root { --page: #11161c; --card: #19212a; --line: #2d3945; --text: #e4e9ef; --muted: #9aa8b7; --accent: #6cbcee; --alarm: #ff8a96; --warning: #ffb066;
  --chart-grid: #2a3540; --chart-baseline: #56b4e9; --chart-current: #ff9a4d; --chart-alarm: #ff8a96; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
.brand { margin: 0; color: var(--muted); font-size: 13px; letter-spacing: 0.04em; }
h1 { margin: 2px 0 6px; font-size: 30px; line-height: 1.2; }
h2 { margin: 36px 0 10px; font-size: 20px; }
h3 { margin: 0 0 4px; font-size: 16px; overflow-wrap: anywhere; }
p { margin: 6px 0; } .lead, .muted { color: var(--muted); } .muted { font-size: 13px; overflow-wrap: anywhere; }
a { color: var(--accent); }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; list-style: none; margin: 18px 0 0; padding: 0; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; color: var(--muted); font-size: 13px; }
.tiles b { display: block; color: var(--text); font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles .alarm b, b.alarm { color: var(--alarm); }
.incident { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 8px; padding: 14px 18px; margin: 14px 0; }
.incident.error { border-left-color: var(--alarm); } .incident.warning { border-left-color: var(--warning); }
.badge { font-size: 11px; font-weight: 600; text-transform: uppercase; letter-spacing: 0.05em; color: var(--accent); border: 1px solid currentColor; border-radius: 4px; padding: 1px 6px; vertical-align: 2px; }
.error .badge { color: var(--alarm); } .warning .badge { color: var(--warning); }
.summary { font-size: 16px; overflow-wrap: anywhere; }
.steps { display: flex; flex-wrap: wrap; gap: 4px 22px; list-style: none; margin: 8px 0; padding: 0; font-size: 13px; }
figure { margin: 10px 0; overflow-x: auto; } figure svg { display: block; width: 100%; min-width: 560px; max-width: 760px; height: auto; }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 13px; min-width: 320px; }
th { text-align: left; font-weight: 600; color: var(--muted); } th, td { padding: 4px 18px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { min-width: 4.5em; max-width: 420px; overflow-wrap: break-word; } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: 12.5px/1.5 ui-monospace, 'DejaVu Sans Mono', monospace; } code { overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin-top: 8px; } details > summary { cursor: pointer; color: var(--muted); font-size: 13px; }
@media print { .incident { break-inside: avoid; } details { display: block; } }
`;
