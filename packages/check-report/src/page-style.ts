/** How the page looks: light and dark by what the reader's system says, readable from 360 px up and on paper. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--faint:#59636e;--line:#d1d9e0;--band:#f6f8fa;--bad:#b42318;--warn:#8a5a00;--good:#1a7f37;--away:#8250df}
@media screen and (prefers-color-scheme:dark){:root{--ground:#16191d;--text:#e6e8eb;--faint:#a3abb5;--line:#3d444d;--band:#1f242a;--bad:#ff8d85;--warn:#e3b341;--good:#5fd47a;--away:#c9a6ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Arial,Helvetica,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1rem clamp(.75rem,3vw,2rem) 3rem}
h1,h2,h3,p,li,dd{overflow-wrap:anywhere}
th{white-space:nowrap}
td{overflow-wrap:break-word;max-width:28rem}
h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.25rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:0 0 .4rem}
.meta{color:var(--faint);margin:.2rem 0}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;margin:1rem 0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:6px;padding:.3rem .7rem;background:var(--band)}
.counts b{font-size:1.25rem;margin-right:.3rem}
article{border:1px solid var(--line);border-left:4px solid var(--faint);border-radius:6px;padding:.8rem 1rem;margin:.8rem 0}
article.fail,article.error{border-left-color:var(--bad)}
article.waived{border-left-color:var(--warn)}
article.unreachable{border-left-color:var(--away)}
.fail b,b.fail,.error b,b.error,.expired{color:var(--bad)}
.waived b,b.waived{color:var(--warn)}
.unreachable b,b.unreachable{color:var(--away)}
.pass b,b.pass{color:var(--good)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .8rem;margin:.6rem 0 0}
dt{color:var(--faint)}
dd{margin:0}
.wide{overflow-x:auto;max-width:100%;margin:.5rem 0}
.wide:focus-visible{outline:2px solid currentColor}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .55rem;border:1px solid var(--line);text-align:left;vertical-align:top}
th{background:var(--band)}
td.number{text-align:right}
ul.hosts{columns:12rem;margin:.3rem 0;padding-left:1.2rem}
code{font:.9em ui-monospace,Consolas,monospace}
@media (max-width:30rem){dl{grid-template-columns:1fr}dt{margin-top:.3rem}}
@media print{body{font-size:10pt}main{max-width:none;padding:0}.wide{overflow:visible}article,tr{break-inside:avoid}}
`;
