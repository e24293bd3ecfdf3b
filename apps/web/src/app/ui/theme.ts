/** What the reader may choose; `auto` follows the system. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'hsmfleet.theme';

/** The remembered choice. */
export function readTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'auto';
  } catch {
    return 'auto';
  }
}

/** Puts a choice into force and remembers it; `public/theme.js` does the same before the first paint. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    if (theme === 'auto') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // storage is switched off: it holds until the page is left
  }
  dispatchEvent(new Event('themechange'));
}

/** Calls back when colours changed, by choice or by the system; returns how to stop. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  addEventListener('themechange', listener);
  return () => {
    system.removeEventListener('change', listener);
    removeEventListener('themechange', listener);
  };
}

/** A colour token as the browser resolved it: canvases know no custom properties. */
export function resolveColour(token: string, within: HTMLElement): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  within.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
