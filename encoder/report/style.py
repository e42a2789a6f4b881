"""How a report looks, in the light and in the dark, on a screen and on paper."""

STYLE = """
:root {
  --paper: #ffffff; --raised: #f4f5f7; --ink: #1c1f24; --faint: #5c6470; --rule: #d9dce1;
  --first: #1f5fbf; --second: #c2570c; --third: #2b7d52; --fourth: #858c97;
  --good: #1f7a46; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181c; --raised: #20242a; --ink: #e7e9ec; --faint: #a3abb6; --rule: #383e47;
    --first: #7fb0ff; --second: #f2a263; --third: #6cc795; --fourth: #8d95a1;
    --good: #6cc795; --bad: #ff8a80;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1080px; padding: 32px 24px 64px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 16px; font-size: 32px; line-height: 1.2; }
h2 { margin: 48px 0 8px; padding-top: 16px; border-top: 1px solid var(--rule); font-size: 22px; }
h3 { margin: 32px 0 8px; font-size: 17px; }
p { margin: 8px 0; max-width: 46em; }
dt, dd, th, td, figcaption, h1 { unicode-bidi: isolate; }
.kind { margin: 0; color: var(--faint); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 24px; margin: 0; }
.facts dt { color: var(--faint); }
.facts dd { grid-column: 2; margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 16px; margin: 16px 0 0; }
.tile { padding: 14px 16px; background: var(--raised); border-radius: 8px; border-left: 4px solid var(--rule); }
.tile.met { border-left-color: var(--good); }
.tile.missed { border-left-color: var(--bad); }
.tile dt { color: var(--faint); font-size: 14px; }
.tile dd { margin: 0; }
.tile .value { margin: 2px 0 4px; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile .meaning { font-size: 14px; line-height: 1.4; }
.tile .verdict { font-size: 14px; font-weight: 600; }
.met .verdict { color: var(--good); }
.missed .verdict { color: var(--bad); }
.wide { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; min-width: 100%; font-size: 15px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
thead th { color: var(--faint); font-weight: 500; vertical-align: bottom; }
tbody th { min-width: 8em; font-weight: 500; }
.figures td, .figures thead th { white-space: nowrap; overflow-wrap: normal; }
.words td:last-child { white-space: normal; min-width: 18em; }
.chart svg { display: block; width: 100%; min-width: 560px; max-width: 900px; }
svg text { fill: var(--faint); font-size: 13px; }
.place { display: block; width: 160px; height: 1.4em; }
.scale { display: block; width: 350px; max-width: 100%; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--faint); }
.border { stroke: var(--faint); stroke-opacity: 0.55; stroke-dasharray: 2 3; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.first { stroke: var(--first); }
.curve.second { stroke: var(--second); stroke-width: 1.5; }
.dot.first { fill: var(--first); }
rect.kind0 { fill: var(--first); }
rect.kind1 { fill: var(--second); }
rect.kind2 { fill: var(--third); }
rect.kind3 { fill: var(--fourth); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 12px 0 0; padding: 0; list-style: none; }
.key { display: inline-block; width: 14px; height: 14px; margin-right: 7px; border-radius: 3px; vertical-align: -2px; }
.key.first, .key.kind0 { background: var(--first); }
.key.second, .key.kind1 { background: var(--second); }
.key.kind2 { background: var(--third); }
.key.kind3 { background: var(--fourth); }
.note { margin: 12px 0 20px; }
figure { margin: 0 0 28px; break-inside: avoid; }
figcaption { margin-bottom: 6px; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: 10px; }
.triple img { display: block; width: 100%; height: auto; border-radius: 4px; }
.triple p { margin: 4px 0 0; color: var(--faint); font-size: 14px; }
@media (max-width: 620px) {
  body { padding: 20px 14px 40px; }
  h1 { font-size: 25px; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { grid-column: 1; }
  .facts dt { margin-top: 8px; }
  .triple { grid-template-columns: 1fr; }
}
"""
