"""How a session's page looks: on wide and narrow screens, in light and dark, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #0e1215; --faint: #5b6368; --paper: #fdfcfa; --soft: #f1efe9; --line: #dcd8cf; --mark: #1d6a72;
  --link: #125b8a; --warn: #8a3a12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e4df; --faint: #a3a8aa; --paper: #14181b; --soft: #1e2429; --line: #333b41; --mark: #4fb3bd;
    --link: #7fc4f0; --warn: #e8a884;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; overflow-wrap: anywhere }
h1 { margin: 0 0 .5rem; font-size: 1.75rem; line-height: 1.2 }
.note { margin: 0; color: var(--faint); font-size: .875rem }
section { margin-top: 1.5rem }
section.step { margin-top: .75rem }
section.human { margin-top: 2.5rem; padding: .75rem 1rem; background: var(--soft); border-radius: .6rem }
h2 { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; justify-content: space-between;
  margin: 0 0 .4rem; color: var(--mark); font-size: .9375rem; line-height: 1.5 }
time { color: var(--faint); font-size: .8125rem; font-weight: normal }
.typed { white-space: pre-wrap; tab-size: 4 }
.typed.step { font: .875rem/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.text > :first-child { margin-top: 0 }
.text > :last-child { margin-bottom: 0 }
.text :is(h3, h4, h5, h6) { margin: 1.25em 0 .5em; line-height: 1.3 }
.text h3 { font-size: 1.25rem } .text h4 { font-size: 1.125rem } .text :is(h5, h6) { font-size: 1rem }
:where(.text) :where(p, ul, ol, blockquote, pre, .block, .table) { margin: .75em 0 }
:where(.text) li > :where(ul, ol, p) { margin: .25em 0 }
.text :is(ul, ol) { padding-inline-start: 1.6em }
.text :is(ul, ol) :is(ul, ol) :is(ul, ol) :is(ul, ol) { padding-inline-start: .8em }
blockquote { margin-inline: 0; padding-inline-start: 1rem; border-inline-start: 3px solid var(--line);
  color: var(--faint) }
blockquote blockquote blockquote blockquote { padding-inline-start: .3rem }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0 }
a { color: var(--link) }
code, pre { font: .875em/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
code { padding: .1em .3em; background: var(--soft); border-radius: .25em }
section.human :is(code, pre, .block > span) { background: var(--paper) }
pre { padding: .75rem; overflow-x: auto; overflow-wrap: normal; tab-size: 4;
  background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; text-align: left }
section pre code { padding: 0; background: none; font-size: inherit }
.block { position: relative }
.block pre { margin: 0 }
.block > span { display: block; padding: .2rem .75rem; color: var(--faint); background: var(--soft); font-size: .75rem;
  border: 1px solid var(--line); border-bottom: 0; border-radius: .4rem .4rem 0 0 }
.block > span + pre { border-radius: 0 0 .4rem .4rem }
.formula { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math, serif; font-size: 1em }
.table { overflow-x: auto }
table { border-collapse: collapse; overflow-wrap: normal }
td, th { min-width: 3.5em; padding: .3rem .6rem; border: 1px solid var(--line); text-align: start;
  vertical-align: top; overflow-wrap: break-word }
th { background: var(--soft) }
figure { margin: .75em 0 0 }
img { display: block; max-width: 100%; max-height: 40rem; border-radius: .4rem }
figcaption { color: var(--faint); font-size: .8125rem }
details { margin: .5rem 0 .75rem; padding: 0 .75rem; border: 1px solid var(--line); border-radius: .4rem;
  font-size: .9375rem }
summary { padding: .35rem 0; color: var(--faint); cursor: pointer }
details[open] { padding-bottom: .75rem }
.end { margin: .75rem 0 0; color: var(--warn); font-style: italic }
@media (max-width: 30rem) { main { padding: 1.25rem .75rem 3rem } section.human { padding: .6rem .75rem } }
@media print {
  @page { margin: 18mm 16mm }
  :root { color-scheme: light; --ink: #000; --faint: #444; --paper: #fff; --soft: #f4f4f4; --line: #bbb; --mark: #000;
    --link: #000; --warn: #000 }
  * { print-color-adjust: exact }
  body { font-size: 10.5pt; line-height: 1.45 }
  main { max-width: none; padding: 0 }
  pre { white-space: pre-wrap; overflow: visible; overflow-wrap: anywhere }
  .table { overflow: visible }
  td, th { padding: .2rem .35rem }
  a[href^="http"]:not(.bare)::after { content: " (" attr(href) ")" }
  h1, h2, h3, h4, h5, h6, summary, .block > span { break-after: avoid }
  img, figure, tr { break-inside: avoid }
  img { max-height: 20cm }
  p, li { orphans: 2; widows: 2 }
  details { padding-bottom: .75rem }
  summary { list-style: none }
  details:not([open])::details-content { content-visibility: visible; block-size: auto }
}
"""
"""What is folded on a screen is unfolded on paper, where nobody can."""
