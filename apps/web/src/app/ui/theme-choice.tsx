import { useState } from 'preact/hooks';
import { chooseTheme, readTheme, type Theme } from './theme.ts';

/** The choice between the system's colours, light and dark; it is remembered in this browser. */
export function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(readTheme);
  const choose = (next: Theme): void => {
    setTheme(next);
    chooseTheme(next);
  };
  return (
    <div class="field">
      <label for="theme">Colours</label>
      <select id="theme" value={theme} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        <option value="auto">as the system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </div>
  );
}
