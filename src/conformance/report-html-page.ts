/** Looks and filters of the report; the rest of it is made in report-html.ts. */

export const STYLE = `
:root{color-scheme:light dark;--paper:light-dark(#fbfaf7,#14161a);--card:light-dark(#fff,#1b1e24);--ink:light-dark(#1d2129,#e7e6e1);--soft:light-dark(#666c78,#9aa1ad);
--line:light-dark(#e3e0d8,#2d323b);--good:light-dark(#1a7f4b,#4cc38a);--bad:light-dark(#c2303a,#ff7b80);--out:light-dark(#9a6a00,#e0b04a);--badpaper:light-dark(#fdf1f0,#2b1c1f);--wire:light-dark(#f4f2ec,#101216)}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:2.5rem 1.5rem 4rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
h1{margin:.1rem 0 1rem;font-size:2rem;line-height:1.15;letter-spacing:-.02em;text-wrap:balance}
h1.failed{color:var(--bad)}h1.passed{color:var(--good)}
.kicker{margin:0;color:var(--soft);font-weight:600}
header dl{display:flex;flex-wrap:wrap;gap:.4rem 2.2rem;margin:0 0 1.2rem}
header dt,li dt{color:var(--soft);font-size:.85em}
header dd{margin:0;overflow-wrap:anywhere}
.bar{display:flex;gap:2px;height:10px;border-radius:5px;overflow:hidden}
.bar i{min-width:4px}.bar .passed{background:var(--good)}.bar .failed{background:var(--bad)}.bar .skipped{background:var(--out);opacity:.6}
nav{position:sticky;top:0;z-index:1;margin:1.4rem -1.5rem 0;padding:.7rem 1.5rem;background:var(--paper);border-bottom:1px solid var(--line)}
.chips{display:flex;flex-wrap:wrap;gap:.35rem;margin:.2rem 0}
.chips button{padding:.16rem .65rem;border:1px solid var(--line);border-radius:1rem;background:var(--card);color:inherit;font:inherit;font-size:13px;cursor:pointer}
.chips button[aria-pressed=true]{background:var(--ink);border-color:var(--ink);color:var(--paper)}
.chips button:disabled{opacity:.4;cursor:default}
.chips button:focus-visible,summary:focus-visible{outline:2px solid var(--good);outline-offset:2px}
.chips span{opacity:.65;font-variant-numeric:tabular-nums}.chips button[aria-pressed=false] span.failed{color:var(--bad);opacity:1;font-weight:600}
h2{margin:2rem 0 .6rem;font-size:1.15rem}h2::first-letter{text-transform:uppercase}
h2 small{margin-left:.4rem;color:var(--soft);font-weight:400;font-size:.8em}h2 b{color:var(--bad)}
.case{margin:.3rem 0;border:1px solid var(--line);border-radius:8px;background:var(--card)}
.case.failed{border-color:var(--bad)}
.case>summary{display:flex;gap:.7rem;align-items:baseline;padding:.45rem .8rem;cursor:pointer;list-style:none}
.case>summary::-webkit-details-marker{display:none}
.sign{width:1em;font-weight:700;text-align:center}.passed .sign{color:var(--good)}.failed .sign{color:var(--bad)}.skipped .sign{color:var(--out)}
.name{flex:1}.failed>summary .name{font-weight:600}.skipped>summary .name{color:var(--soft)}
.tag{color:var(--out);font-size:.85em}
.inside{padding:.1rem .9rem .9rem 2.5rem}
.why{margin:.2rem 0 .8rem;max-width:60rem}.why.failed{padding:.6rem .9rem;border-radius:6px;background:var(--badpaper);color:var(--bad);font-weight:500}.why.skipped{color:var(--soft)}
ol{margin:0;padding:0 0 0 1.3rem}ol>li{margin:.35rem 0;padding-left:.3rem}
li::marker{color:var(--soft);font-size:.85em}li.bad>b{color:var(--bad)}li.right>b{font-weight:500}
li dl{display:grid;grid-template-columns:5rem 1fr;gap:0 .6rem;margin:.05rem 0}li dd{margin:0;font-size:.92em}li dd.wrong{color:var(--bad)}
.wire>summary{color:var(--soft);font-size:.82em;cursor:pointer;width:max-content}
.message{display:inline-block;width:100%;margin:.3rem 0 0}.message h4{margin:0;color:var(--soft);font-size:.78em;font-weight:500}
pre{margin:.1rem 0 .3rem;padding:.55rem .75rem;border-radius:6px;background:var(--wire);white-space:pre-wrap;overflow-wrap:anywhere}
pre span{color:var(--soft)}
.about{margin:.6rem 0 0;color:var(--soft);font-size:.82em}
footer{margin-top:3rem;color:var(--soft);font-size:.85em}
[hidden]{display:none!important}
@media(min-width:62rem){.wire[open]{display:block}.message{width:calc(50% - .3rem);vertical-align:top}.message+.message{margin-left:.55rem}}
@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:11px}nav{display:none}.case{break-inside:avoid-page;border-radius:0}.case.failed{break-inside:auto}pre{font-size:9px}}
`;

export const SCRIPT = `
const chosen = { result: '', category: '' };
const cases = [...document.querySelectorAll('.case')];
const show = () => {
  for (const each of cases) each.hidden = Object.entries(chosen).some(([name, value]) => value && each.dataset[name] !== value);
  for (const section of document.querySelectorAll('main section')) section.hidden = !section.querySelector('.case:not([hidden])');
  document.getElementById('none').hidden = cases.some((each) => !each.hidden);
};
for (const chips of document.querySelectorAll('.chips')) {
  chips.addEventListener('click', ({ target }) => {
    const button = target.closest('button');
    if (!button) return;
    chosen[chips.dataset.filter] = button.dataset.value;
    for (const other of chips.children) other.setAttribute('aria-pressed', String(other === button));
    show();
  });
}
addEventListener('beforeprint', () => { for (const each of document.querySelectorAll('.case.failed')) each.open = true; });
`;
