/** Colours of lines, told apart with any kind of colour vision (Okabe and Ito), each with one for dark grounds. */
export const LINE_COLORS: readonly { light: string; dark: string }[] = [
  { light: '#0072b2', dark: '#56b4e9' },
  { light: '#d55e00', dark: '#ff8c42' },
  { light: '#009e73', dark: '#2fd0a5' },
  { light: '#aa4499', dark: '#dd88cc' },
  { light: '#b8860b', dark: '#f0c745' },
  { light: '#555566', dark: '#b4b8c5' },
];

/** Marks and dashes differ too, so that lines can be told apart without colours. */
export const LINE_MARKS = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'emptyRect'] as const;
export const LINE_DASHES = ['solid', 'dashed', 'dotted', 'solid', 'dashed', 'dotted'] as const;

/** A plot holds no more lines than there are looks. */
export const MAX_LINES = LINE_COLORS.length;

/** Light colours as they stand in the SVG; each distinct, for {@link DARK_STYLE} finds them by their values. */
export const INK = { ground: '#ffffff', text: '#1f2328', faint: '#59636e', axis: '#8c959f', grid: '#e1e4e8' } as const;
const DARK_INK: Readonly<Record<keyof typeof INK, string>> = { ground: '#16191d', text: '#e6e8eb', faint: '#a3abb5', axis: '#6e7681', grid: '#2d333b' };

/** Fonts of the plots; Arimo comes with the program and has the widths of Arial and Helvetica. */
export const FONT_FAMILY = "Arimo, Arial, Helvetica, 'Liberation Sans', sans-serif";

const swaps = [
  ...LINE_COLORS.map(({ light, dark }) => [light, dark] as const),
  // empty marks are filled with this spelling of the ground
  ['#fff', DARK_INK.ground] as const,
  ...(Object.keys(INK) as (keyof typeof INK)[]).map((name) => [INK[name], DARK_INK[name]] as const),
];

/**
 * CSS that turns a plot dark where a person prefers that. Programs that know no CSS show the light colours, which stand
 * in the elements themselves.
 */
export const DARK_STYLE = `@media screen and (prefers-color-scheme:dark){${swaps
  .map(([light, dark]) => `.hsmfleet-plot [fill="${light}"]{fill:${dark}}.hsmfleet-plot [stroke="${light}"]{stroke:${dark}}`).join('')}}`;
