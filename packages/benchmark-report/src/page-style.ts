/** How the page looks: small, readable on a phone, in the dark and on paper. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--faint:#59636e;--line:#d1d9e0;--band:#f6f8fa;--link:#0969da}
@media screen and (prefers-color-scheme:dark){:root{--ground:#16191d;--text:#e6e8eb;--faint:#a3abb5;--line:#3d444d;--band:#1f242a;--link:#79b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Arimo,Arial,Helvetica,sans-serif}
main{max-width:84rem;margin:0 auto;padding:1rem clamp(.75rem,3vw,2rem) 3rem}
h1,h2,h3{line-height:1.25;overflow-wrap:anywhere}
h1{font-size:1.8rem;margin:.5rem 0}
h2{font-size:1.35rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.6rem 0 .5rem}
p,ul{max-width:50rem;overflow-wrap:anywhere}
ul{padding-left:1.3rem}
a{color:var(--link)}
p:has(.wide){max-width:none}
.wide{display:block;overflow-x:auto;max-width:100%;margin:.6rem 0 1rem}
.wide:focus-visible{outline:2px solid var(--link)}
table{border-collapse:collapse;font-size:.8rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .5rem;border:1px solid var(--line);text-align:left;vertical-align:top}
th{background:var(--band);font-weight:600;vertical-align:bottom}
th{min-width:4.4rem}
td{white-space:nowrap}
td:last-child{white-space:normal;min-width:9rem}
td[align=right]:last-child{min-width:4rem;white-space:nowrap}
[align=right]{text-align:right}
tbody tr:nth-child(even){background:var(--band)}
td strong{white-space:nowrap}
.hsmfleet-plot{display:block;width:100%;min-width:640px;max-width:860px;height:auto;border:1px solid var(--line);border-radius:6px}
@media print{body{font-size:10pt}main{max-width:none;padding:0}.wide{overflow:visible}td{white-space:normal}.hsmfleet-plot{min-width:0}table{font-size:7.5pt}th,td{padding:.15rem .3rem}h2,h3{break-after:avoid}tr,.hsmfleet-plot{break-inside:avoid}thead{display:table-header-group}a{color:inherit;text-decoration:none}}
`;
