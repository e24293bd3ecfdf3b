// before the first paint, so that a chosen theme does not flash: see src/app/ui/theme.ts
try {
  const theme = localStorage.getItem('hsmfleet.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // storage is switched off: the system's choice holds
}
