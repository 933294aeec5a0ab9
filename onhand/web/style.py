"""The look of the pages: one small sheet, light or dark as the reader's device says, nothing from elsewhere."""

import base64
import hashlib

SHEET = """
:root { color-scheme: light dark; --back: #f6f7f8; --card: #fff; --line: #dfe3e6; --text: #1c2227;
  --soft: #64707a; --link: #0b62b8; --good: #157a3c; --warn: #9a5b00; --bad: #b3261e; --run: #0b62b8 }
@media (prefers-color-scheme: dark) { :root { --back: #14181b; --card: #1c2125; --line: #333b41;
  --text: #e6eaed; --soft: #98a4ad; --link: #7cb7f5; --good: #63c787; --warn: #e5a94c; --bad: #f28b82;
  --run: #7cb7f5 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
header, main { max-width: 1080px; margin: 0 auto; padding: 12px 16px }
header { display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center }
header strong { font-size: 1.15em } header form { margin-left: auto }
a { color: var(--link) } h1 { font-size: 1.3em; margin: 8px 0; overflow-wrap: anywhere }
h2 { font-size: 1.05em; margin: 26px 0 8px } main > h2:first-child { margin-top: 4px } time { white-space: nowrap }
  p { margin: 6px 0; overflow-wrap: anywhere }
.soft { color: var(--soft); font-weight: 400 } .cards { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)) }
.card, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: 8px }
.card { padding: 12px 14px } .card h3 { margin: 0 0 6px; font-size: 1em }
.wide { margin-bottom: 12px } dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0 }
dt { color: var(--soft) } dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto; margin: 8px 0 } table { border-collapse: collapse; width: 100% }
th, td { padding: 6px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 500; white-space: nowrap } tr:last-child td { border-bottom: 0 }
.wide dl { grid-template-columns: 13em 1fr } .wide dd { text-align: left } .whole { white-space: nowrap }
.why { min-width: 18em }
.number { text-align: right; font-variant-numeric: tabular-nums }
.state { font-weight: 600; white-space: nowrap } .good { color: var(--good) } .warn { color: var(--warn) }
.bad { color: var(--bad) } .run { color: var(--run) }
input { font: inherit; padding: 3px 8px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--card); color: inherit; width: 11em }
ol { margin: 6px 0; padding-left: 20px }
.problems { list-style: none; margin: 8px 0 0; padding: 0 } .problems li { background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; margin: 0 0 8px; padding: 8px 14px; overflow-wrap: anywhere }
.days { list-style: none; padding: 0; line-height: 2 }
code { font: 13px/1.5 ui-monospace, monospace; display: block; color: var(--soft); user-select: all }
"""

SHEET_HASH = "sha256-" + base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
"""What the pages' content security policy allows: this sheet and nothing else."""
