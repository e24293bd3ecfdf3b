import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';

/** Pixels for each CSS pixel: sharp in print and on fine screens. */
const SCALE = 2;

/** Regular and bold, from a package: a fresh server has no fonts at all, and a plot without text says nothing. */
const FONTS = ['400Regular/Arimo_400Regular.ttf', '700Bold/Arimo_700Bold.ttf'];

/** Scripts that Arimo has; texts in others need what fonts the machine has. */
const OTHER_SCRIPTS = /[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Common}\p{Script=Inherited}]/u;

/** Draws an SVG document as PNG, in its light colours, at twice its size. */
export function drawPng(svg: string): Buffer {
  const { resolve } = createRequire(import.meta.url);
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: SCALE },
    font: {
      fontFiles: FONTS.map((file) => resolve(`@expo-google-fonts/arimo/${file}`)),
      loadSystemFonts: OTHER_SCRIPTS.test(svg), defaultFontFamily: 'Arimo', sansSerifFamily: 'Arimo',
    },
  });
  return resvg.render().asPng();
}
