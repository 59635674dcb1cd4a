// The reader's choice of light or dark, set before anything is drawn. Without one, the system's.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // storage is shut off: the system's theme it is
  }
})();
